# SPDX-License-Identifier: MIT
"""Before any test can import MLX: the package brings OpenBLAS (see there). And
Ctrl-C: a shell's background job ignores it, and so would all that tests start.
"""

import signal

import mlx_llm_tutorial  # noqa: F401

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
