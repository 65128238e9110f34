"""Settings of the libraries: no network, as many threads as the container may use, and a log for people."""

import os
import warnings

import torch
import transformers

from coppice.trainer.cores import cpu_limit


def prepare_libraries(seed: int) -> None:
    """Before anything else in a process that computes.

    torch would start a thread for every core of the node and be throttled by the container's limit; OMP_NUM_THREADS
    asks for fewer.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    warnings.filterwarnings("ignore", module=r"(torch|transformers|peft|sklearn|accelerate)\..*")
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    cores = max(1, round(cpu_limit()))
    torch.set_num_threads(min(cores, int(wanted)) if wanted.isdigit() and int(wanted) else cores)
    transformers.set_seed(seed)
