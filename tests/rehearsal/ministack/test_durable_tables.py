"""What DynamoDB has answered is there after a kill."""

import signal

import pytest


@pytest.fixture
def killed(own_server):
    """Kills the server and starts it again on what it left."""

    def kill():
        own_server.end(signal.SIGKILL)
        own_server.start()
        return own_server.client("dynamodb")

    return kill


@pytest.fixture
def table(own_server):
    own_server.client("dynamodb").create_table(
        TableName="kept",
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return {"TableName": "kept"}


def count(client, table, name):
    client.update_item(
        **table,
        Key={"Id": {"S": name}},
        UpdateExpression="ADD Times :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )


def times(client, table):
    items = client.scan(**table, ConsistentRead=True)["Items"]
    return {item["Id"]["S"]: item["Times"]["N"] for item in items}


def test_each_write_is_there_once_after_kill_upon_kill(own_server, table, killed):
    client = own_server.client("dynamodb")
    for expected in ("3", "6"):
        for _ in range(3):
            count(client, table, "a")
        count(client, table, f"before {expected}")
        client.delete_item(**table, Key={"Id": {"S": f"before {expected}"}})
        client = killed()
        assert times(client, table) == {"a": expected}
    client = killed()  # nothing was written since
    assert times(client, table) == {"a": "6"}


def test_what_a_stop_has_saved_is_not_written_again(own_server, table):
    count(own_server.client("dynamodb"), table, "a")
    own_server.end()
    own_server.start()
    client = own_server.client("dynamodb")
    assert times(client, table) == {"a": "1"}
    count(client, table, "a")
    own_server.end(signal.SIGKILL)
    own_server.start()
    assert times(own_server.client("dynamodb"), table) == {"a": "2"}
