"""A worker that knows the plain study: `python -m tests.plain_study.worker`."""

from assets.engine.worker import main
from tests.plain_study import STUDY
from trainers import STUDIES

STUDIES[STUDY.name] = STUDY

if __name__ == "__main__":
    main()
