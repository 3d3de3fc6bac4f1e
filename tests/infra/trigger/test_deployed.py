"""The deployed function on a rehearsal's server, under its own role, with the commands."""

import json
import signal
from datetime import UTC, datetime, timedelta

import pytest

from scripts.commands import drops, redrive, watch
from tests.infra.trigger.deployed import ARTIFACTS, DROPS, Trigger
from tests.rehearsal.conftest import eventually

SCHEDULE = {"detail-type": "Scheduled Event", "time": "2026-11-25T00:00:00Z", "detail": {}}


@pytest.fixture(scope="module")
def deployed(tmp_path_factory, assembly):
    trigger = Trigger(tmp_path_factory.mktemp("trigger") / "state", assembly)
    yield trigger
    trigger.end()


@pytest.fixture
def trigger(deployed, monkeypatch):
    """At rest; commands talk to it."""
    for variable, value in deployed.variables.items():
        monkeypatch.setenv(variable, value)
    deployed.jobs_end("Completed")
    deployed.settles()
    deployed.jobs_end("")
    return deployed


def marker_event(drop_id, sequencer):
    written = {"key": f"drops/{drop_id}/_SUCCESS", "size": 0, "etag": "0", "sequencer": sequencer}
    return {
        "detail-type": "Object Created",
        "time": "2026-11-25T00:00:00Z",
        "detail": {"bucket": {"name": DROPS}, "object": written},
    }


def begins(trigger, drop_id):
    """Writes a marker that finds nothing running, and waits for its run."""
    trigger.mark(drop_id)
    eventually(lambda: trigger.states().get(drop_id) == "Executing", trigger.states)


def run_of(trigger, drop_id):
    return [run for run in trigger.runs() if drop_id in run["Drops"]["M"]][-1]


def test_drops_that_come_while_a_run_is_on_have_one_run_after_it(trigger):
    before = len(trigger.executions())
    begins(trigger, "a1")
    for drop_id in ("a2", "a3", "a4"):
        trigger.mark(drop_id)
    eventually(lambda: list(trigger.states().values()).count("Waiting") == 3, trigger.states)
    trigger.jobs_end("Completed")
    assert set(trigger.settles().values()) == {"Succeeded"}
    assert len(trigger.executions()) == before + 2
    assert set(run_of(trigger, "a4")["Drops"]["M"]) == {"a2", "a3", "a4"}


def test_events_twice_and_late_and_a_kill_in_the_middle_give_the_right_runs(trigger):
    trigger.end()  # and what a kill is not about is on the disk
    trigger.start()
    before = len(trigger.executions())
    begins(trigger, "k0")
    early, late = [f"k{n}" for n in range(1, 9)], [f"k{n}" for n in range(9, 17)]
    for drop_id in early:
        trigger.mark(drop_id)
        trigger.client("lambda").invoke(
            FunctionName=trigger.function,
            InvocationType="Event",
            Payload=json.dumps(marker_event("k0", "00")).encode(),
        )
    eventually(lambda: {*early} & set(trigger.states()), trigger.states)
    trigger.end(signal.SIGKILL)
    trigger.start()

    # The execution has failed with the server; a run for all that was on record begins after it.
    eventually(lambda: len(trigger.executions()) == before + 2, trigger.states)
    for drop_id in late:
        trigger.mark(drop_id)
        trigger.mark(drop_id)
    trigger.invoke(SCHEDULE)  # it finds what the kill has made forget
    eventually(lambda: {*early, *late} <= set(trigger.states()), trigger.states)
    trigger.jobs_end("Completed")
    states = trigger.settles()

    assert {states[drop_id] for drop_id in ("k0", *early, *late)} == {"Succeeded"}
    assert len(trigger.executions()) == before + 3
    ours = trigger.runs()[-3:]
    arns = [run["PipelineExecutionArn"]["S"] for run in ours]
    assert arns == [e["PipelineExecutionArn"] for e in trigger.executions()[-3:]]
    assert "k0" in ours[1]["Drops"]["M"] and set(late) <= set(ours[2]["Drops"]["M"])


def test_a_failed_execution_that_is_retried_gives_its_drops_its_fate(trigger, capsys):
    begins(trigger, "r1")
    trigger.jobs_end("Failed")
    assert trigger.settles()["r1"] == "Failed"
    runs = len(trigger.runs())
    trigger.mark("r1")  # nothing changed in it, and yet it is to be tried again
    eventually(lambda: len(trigger.runs()) == runs + 1, trigger.states)
    assert trigger.settles()["r1"] == "Failed"
    trigger.jobs_end("")
    execution = run_of(trigger, "r1")["PipelineExecutionArn"]["S"]

    trigger.client("sagemaker").retry_pipeline_execution(
        PipelineExecutionArn=execution, ClientRequestToken="again".ljust(32, "-")
    )
    eventually(lambda: trigger.states()["r1"] == "Executing", trigger.states)
    trigger.jobs_end("Completed")
    assert trigger.settles()["r1"] == "Succeeded"
    assert watch.main(["--drop", "r1", "--once"]) == 0
    assert execution in capsys.readouterr().out


def test_beyond_a_days_executions_drops_wait_for_a_person_whose_name_is_kept(trigger, capsys):
    trigger.jobs_end("Completed")
    trigger.configure(EXECUTIONS_PER_DAY="1")
    trigger.mark("held")
    eventually(lambda: trigger.states().get("held") == "Waiting", trigger.states)
    outcome = trigger.invoke(SCHEDULE)
    assert (outcome["waiting"], outcome["is_held_by_guard"]) == (1, True)
    assert eventually(lambda: held_drops(trigger)) == 1
    assert drops.main(["held"]) == 0
    assert "./scripts/drops --release lets the next one begin" in capsys.readouterr().out

    assert drops.main(["--release"]) == 0
    trigger.settles()
    assert trigger.states()["held"] == "Succeeded"
    assert run_of(trigger, "held")["ReleasedBy"]["S"].startswith("arn:aws:")
    assert drops.main(["--release"]) == 0
    assert "No drop waits" in capsys.readouterr().out
    trigger.configure(EXECUTIONS_PER_DAY="0")


def held_drops(trigger):
    now = datetime.now(UTC)
    points = trigger.client("cloudwatch").get_metric_statistics(
        Namespace="Shardwise",
        MetricName="HeldDrops",
        Dimensions=[{"Name": "PipelineName", "Value": "shardwise-dev"}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=7200,
        Statistics=["Maximum"],
    )["Datapoints"]
    return max((point["Maximum"] for point in points), default=None)


def test_what_failed_is_shown_and_sent_again(trigger, capsys):
    trigger.jobs_end("Completed")
    trigger.configure(PIPELINE_NAME="nowhere")
    trigger.mark("lost")

    def dead():
        redrive.main(["--dry-run"])
        said = capsys.readouterr().out
        return said if "Object Created drops/lost/_SUCCESS" in said else None

    said = eventually(dead)
    assert "sagemaker:ListPipelineExecutions" in said  # of a pipeline that it may not list
    assert redrive.main([]) == 1
    assert "events failed again and stay" in capsys.readouterr().err

    trigger.configure(PIPELINE_NAME="shardwise-dev")
    assert eventually(lambda: redrive.main([]) == 0)
    assert "handled" in capsys.readouterr().out
    eventually(lambda: trigger.states().get("lost") == "Succeeded", trigger.states)
    assert redrive.main([]) == 0
    assert "0 failed events" in capsys.readouterr().out


def test_a_marker_in_another_place_is_refused_and_on_record(trigger, capsys):
    trigger.client("s3").put_object(Bucket=DROPS, Key="drops/a/b/_SUCCESS", Body=b"")
    eventually(lambda: trigger.states().get("drops/a/b/_SUCCESS") == "Refused", trigger.states)
    assert drops.main(["drops/a/b/_SUCCESS", "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["reason"].startswith("A drop's marker is drops/<drop id>/_SUCCESS")


def put_aside(trigger, execution_arn, *keys):
    """As ShardImages of two hosts lists them."""
    lines = [json.dumps({"key": key, "channel": "train", "reason": "is empty"}) for key in keys]
    folder = f"lineage/{execution_arn.rpartition('/')[2]}/quarantine"
    for host, body in (("algo-1", lines[:1]), ("algo-2", lines[1:])):
        trigger.client("s3").put_object(
            Bucket=ARTIFACTS, Key=f"{folder}/{host}.jsonl", Body="\n".join(body).encode()
        )


def test_drops_shows_every_drop_with_its_fate(trigger, capsys):
    trigger.jobs_end("Completed")
    index = {
        "schema": 1,
        "files": [{"name": "7/1.png", "size": 70}, {"name": "7/2.png", "size": 1}],
    }
    trigger.mark("shown", json.dumps(index).encode())
    trigger.client("s3").put_object(Bucket=DROPS, Key="drops/half/7/1.png", Body=b"x")
    eventually(lambda: trigger.states().get("shown") == "Succeeded", trigger.states)
    assert drops.main(["--all", "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    fates = {fate["drop"]: fate for fate in json.loads(line)}
    assert fates["half"]["state"] == "Incomplete"
    shown = fates["shown"]
    assert (shown["state"], shown["objects"], shown["bytes"]) == ("Succeeded", 2, 71)
    assert shown["execution_arn"] == run_of(trigger, "shown")["PipelineExecutionArn"]["S"]
    assert shown["put_aside"] is None
    assert drops.main([]) == 0
    assert "shown" in capsys.readouterr().out
    put_aside(trigger, shown["execution_arn"], "shown/7/2.png", "shown/7/1.png", "shownot/7/3.png")
    assert drops.main(["shown", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["put_aside"] == 2
    assert shown["reason"].endswith('2 images put aside (first: "7/1.png" is empty).')
    assert drops.main(["nowhere"]) == 1
