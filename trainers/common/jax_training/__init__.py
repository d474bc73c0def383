"""Training by gradient steps in JAX: compiled chunks of steps, phases, checks, a resumable state, lanes side by side.

A study gives a `Method` (programs.py: initial weights, loss, validation, optimiser), per phase the `PhaseData`
(course.py: data on the device, batches by step) and a `CurriculumPhase`; `train_courses` (lanes.py) does the rest. Read
programs.py, state.py, course.py and lanes.py in this order; batches.py draws the batches of epochs.
"""
