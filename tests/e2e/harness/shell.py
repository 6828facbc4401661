"""Commands, and waiting for a condition."""

import subprocess
import sys
import time


def run(*command, input=None, env=None, timeout=300, check=True):
    """The command's standard output. What it said on standard error is part of a failure."""
    done = subprocess.run([str(part) for part in command], input=input, env=env, timeout=timeout,
                          capture_output=True, text=True)
    if check and done.returncode:
        raise RuntimeError(f'{" ".join(map(str, command))}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}')
    return done.stdout


def until(condition, what, timeout=120, every=0.5):
    """Waits for a true value, and returns it. `what` may be a function: what stands in the way."""
    end = time.monotonic() + timeout
    while True:
        if found := condition():
            return found
        if time.monotonic() > end:
            raise TimeoutError(f'not within {timeout} s: {what() if callable(what) else what}')
        time.sleep(every)


def say(text):
    print(f'[{time.strftime("%H:%M:%S")}] {text}', file=sys.stderr, flush=True)
