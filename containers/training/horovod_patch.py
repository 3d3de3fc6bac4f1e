"""Changes Horovod where its last release does not do for us.

Usage: python horovod_patch.py FOLDER, the unpacked source of Horovod 0.28.1; see `post-install`.

**Its background thread waits for tensors instead of asking every millisecond.** The thread of each
worker wakes every HOROVOD_CYCLE_TIME and then exchanges messages with all other workers, whether or
not there is a tensor to reduce. Where all cores compute that costs a tenth of a step at 1 ms, and
with a longer cycle each reduction waits longer. With these changes the thread sleeps while its
worker has no tensor outstanding and wakes as soon as it has, so HOROVOD_CYCLE_TIME is only the
longest sleep, and can be long (docs/training.md has the measurements).

No wait for ever can come of it: a worker that sleeps wakes by itself after a cycle, and one that
has a tensor outstanding waits for the others in their common exchange, as before.

**Workers listen on the address in HOROVOD_GLOO_ADDRESS**, where it is set. Horovod gives Gloo a
network interface only, of which Gloo takes the first address, and that may be one that no other
host reaches, such as a link-local one (`lookupAddrForIface` in gloo/transport/tcp/device.cc).

**XLA's operations for GPUs compile** against a TensorFlow in which `xla::StatusOr` is gone.
"""

from __future__ import annotations

import sys
from pathlib import Path

CHANGES = {
    "horovod/common/tensor_queue.h": [
        (
            "#include <iostream>\n",
            "#include <chrono>\n#include <condition_variable>\n#include <iostream>\n",
        ),
        (
            "  TensorQueue() = default;\n",
            """  TensorQueue() = default;
  // Returns once a tensor is outstanding, or after `longest`.
  void WaitForTensor(std::chrono::steady_clock::duration longest) {
    std::unique_lock<std::mutex> lock(mutex_);
    added_.wait_for(lock, longest, [this] { return !tensor_table_.empty(); });
  }
""",
        ),
        (
            "  mutable std::mutex mutex_;\n",
            "  mutable std::mutex mutex_;\n  std::condition_variable added_;\n",
        ),
    ],
    "horovod/common/tensor_queue.cc": [
        (
            "  message_queue_.push(std::move(message));\n  return Status::OK();\n",
            "  message_queue_.push(std::move(message));\n  added_.notify_one();\n"
            "  return Status::OK();\n",
        ),
        (
            "    message_queue_.push(std::move(messages[i]));\n  }\n",
            "    message_queue_.push(std::move(messages[i]));\n  }\n  added_.notify_one();\n",
        ),
    ],
    "horovod/common/operations.cc": [
        (
            "    std::this_thread::sleep_for(sleep_duration);\n  }\n  state.last_cycle_start",
            "    state.process_set_table.Get(0).tensor_queue.WaitForTensor(sleep_duration);\n"
            "  }\n  state.last_cycle_start",
        ),
    ],
    "horovod/common/gloo/gloo_context.cc": [
        (
            "int ParseNextInt(std::stringstream& ss) {\n",
            """static void ChooseAddress(attr& device, const std::string& iface) {
  const char* address = std::getenv("HOROVOD_GLOO_ADDRESS");
  if (address != nullptr && *address != '\\0') {
    device.hostname = address;
  } else {
    device.iface = iface;
  }
}

int ParseNextInt(std::stringstream& ss) {
""",
        ),
        (
            "  device_attr.iface = gloo_iface_;\n\n  device_attr.ai_family",
            "  ChooseAddress(device_attr, gloo_iface_);\n\n  device_attr.ai_family",
        ),
        (
            "  device_attr.iface = gloo_iface_;\n  device_attr.ai_family = AF_UNSPEC;\n"
            "  auto dev = CreateDevice(device_attr);\n\n",
            "  ChooseAddress(device_attr, gloo_iface_);\n  device_attr.ai_family = AF_UNSPEC;\n"
            "  auto dev = CreateDevice(device_attr);\n\n",
        ),
    ],
    "horovod/tensorflow/xla_mpi_ops.cc": [
        (
            "  ::xla::StatusOr<::xla::XlaOp> BuildAllreduceCustomCall(\n",
            "  ::absl::StatusOr<::xla::XlaOp> BuildAllreduceCustomCall(\n",
        ),
        (
            "\n::xla::StatusOr<::xla::XlaOp> HVDAllreduceOp::",
            "\n::absl::StatusOr<::xla::XlaOp> HVDAllreduceOp::",
        ),
    ],
}


def main(folder: Path) -> int:
    for name, changes in CHANGES.items():
        file = folder / name
        text = file.read_text(encoding="utf-8")
        for old, new in changes:
            if text.count(old) != 1:
                print(
                    f"{file} is not that of Horovod 0.28.1, as the place to change is not in it: "
                    "pin that version in horovod-build.in, or look whether the change is needed.",
                    file=sys.stderr,
                )
                return 1
            text = text.replace(old, new)
        file.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
