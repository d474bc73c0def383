"""A worker that knows the toy study: `python -m tests.toy_study.worker`."""

from assets.engine.worker import main
from tests.toy_study import STUDY
from trainers import STUDIES

STUDIES[STUDY.name] = STUDY

if __name__ == "__main__":
    main()
