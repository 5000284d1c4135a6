"""Runs snippets inside an installation's Django, one JSON line in, one JSON line out (see `town.Probe`)."""

import ast
import json
import sys
import traceback
from typing import Any


def _evaluate(code: str, space: dict[str, Any]) -> Any:
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<probe>", "exec"), space)
    if not isinstance(last, ast.Expr):
        return None
    return eval(compile(ast.Expression(last.value), "<probe>", "eval"), space)


def main() -> None:
    import django

    django.setup()
    from django.db import close_old_connections

    space: dict[str, Any] = {}
    exec(
        "import datetime, uuid\n"
        "from django.conf import settings\n"
        "from django.utils import timezone\n"
        "from sekisho.people.models import *\n"
        "from sekisho.contracts.models import *\n"
        "from sekisho.access.models import *\n"
        "from sekisho.evidence.models import *\n",
        space,
    )
    for line in sys.stdin:
        request = json.loads(line)
        space.update(request["values"])
        close_old_connections()
        try:
            answer = {"result": _evaluate(request["code"], space)}
            text = json.dumps(answer, default=str)
        except Exception:
            text = json.dumps({"error": traceback.format_exc()})
        print(text, flush=True)


if __name__ == "__main__":
    main()
