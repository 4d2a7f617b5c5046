"""The schedule: what runs how often, and that nothing is ever missed in silence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do every so many seconds."""

    name: str
    seconds: int
    work: Callable[[], object]


@dataclass(slots=True)
class Schedule:
    """Runs jobs until it is stopped.

    A job that is late is run all the same, however late (misfire grace none), several missed times are run
    once (coalesced), and a time that could not be kept since the job was still at work is told of. Nothing is
    lost by either: each job takes up where it stood. A job that fails is told of and runs again next time.
    """

    jobs: list[Job]
    missed: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    _scheduler: BackgroundScheduler = None

    def start(self) -> None:
        """Begins; every job runs for the first time at once."""
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            executors={"default": ThreadPoolExecutor(max(2, len(self.jobs)))},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(self._note, EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)
        for job in self.jobs:
            self._scheduler.add_job(
                self._run,
                "interval",
                args=[job],
                id=job.name,
                seconds=job.seconds,
                next_run_time=datetime.now().astimezone(),
            )
        self._scheduler.start()

    def stop(self) -> None:
        """Waits for the jobs at work and ends."""
        self._scheduler.shutdown(wait=True)

    def _run(self, job: Job) -> None:
        try:
            job.work()
        except Exception as error:
            # The boundary of a job: one failure must not end the watch, and must not pass unseen.
            if self.failed.get(job.name) != str(error):
                log.exception("job failed; it runs again at its next time", job=job.name)
            self.failed[job.name] = str(error)
        else:
            if self.failed.pop(job.name, None):
                log.info("job works again", job=job.name)

    def _note(self, event: JobExecutionEvent) -> None:
        self.missed[event.job_id] = self.missed.get(event.job_id, 0) + 1
        log.warning(
            "a time was missed; the next run takes it in", job=event.job_id, missed=self.missed[event.job_id]
        )
