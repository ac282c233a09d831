"""Notes what each task asked its module for, and what came of it: one line of JSON for each in the file that CALLS_FILE names."""

import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: calls
type: aggregate
short_description: notes the calls of modules
description: For tests.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "calls"

    def note(self, result, *_, **__):
        answer = result._result
        call = {
            "host": result._host.get_name(),
            "task": result._task_fields.get("name"),
            "module": result._task_fields["action"].split(".")[-1],
            "args": answer.get("invocation", {}).get("module_args", {}),
            "changed": bool(answer.get("changed")),
            "attempts": answer.get("attempts"),
            "retries": result._task_fields.get("retries"),
            "delay": result._task_fields.get("delay"),
        }
        with open(os.environ["CALLS_FILE"], "a") as calls:
            calls.write(json.dumps(call, default=str) + "\n")

    v2_runner_on_ok = note
    v2_runner_on_failed = note
    v2_runner_item_on_ok = note
    v2_runner_item_on_failed = note
