"""Energy of the accelerators this pod was given, from NVIDIA's management library.

The total energy counter is preferred (Volta and later); where there is none, power is integrated between samples. A
device divided by MIG tells the whole board's figure to each slice, so it is not used: absent is better than counted
several times. Idle power is included, since the device is reserved as a whole.
"""

import importlib
import logging
from typing import Any

log = logging.getLogger("coppice.meter")


class Nvml:
    """The accelerators that are visible here; without a driver there are none."""

    def __init__(self, library: Any = None) -> None:
        self._devices: list[_Device] = []
        self.names: tuple[str, ...] = ()
        try:
            if library is None:
                library = importlib.import_module("pynvml")  # optional, like the driver
            library.nvmlInit()
            handles = [library.nvmlDeviceGetHandleByIndex(i) for i in range(library.nvmlDeviceGetCount())]
        except Exception as error:  # noqa: BLE001 (whatever is wrong with the driver, there is no meter then)
            log.debug("no NVML: %s", error)
            return
        self._devices = [_Device(library, handle) for handle in handles if not _is_sliced(library, handle)]
        self.names = tuple(str(library.nvmlDeviceGetName(handle)) for handle in handles)

    @property
    def readable(self) -> bool:
        """Whether there is a device to meter."""
        return bool(self._devices)

    @property
    def source(self) -> str:
        """nvml-counter, or nvml-power where a device has no energy counter."""
        return "nvml-counter" if all(device.counts for device in self._devices) else "nvml-power"

    def joules(self, seconds: float) -> float | None:
        """Joules of every device since the last call, so many seconds ago."""
        if not self._devices:
            return None
        parts = [device.joules(seconds) for device in self._devices]
        return None if None in parts else sum(part for part in parts if part is not None)


class _Device:
    def __init__(self, library: Any, handle: Any) -> None:
        self._library, self._handle = library, handle
        self._last = self._counter()
        self._watts = self._power()
        self.counts = self._last is not None

    def joules(self, seconds: float) -> float | None:
        before, after = self._last, self._counter()
        self._last = after
        if before is not None and after is not None:
            return (after - before) / 1000 if after >= before else after / 1000
        earlier, now = self._watts, self._power()
        self._watts = now
        return None if earlier is None or now is None else (earlier + now) / 2 * seconds

    def _counter(self) -> int | None:
        return _value(self._library.nvmlDeviceGetTotalEnergyConsumption, self._handle)

    def _power(self) -> float | None:
        milliwatts = _value(self._library.nvmlDeviceGetPowerUsage, self._handle)
        return None if milliwatts is None else milliwatts / 1000


def _is_sliced(library: Any, handle: Any) -> bool:
    mode = _value(lambda device: library.nvmlDeviceGetMigMode(device)[0], handle)
    return bool(mode)


def _value(read: Any, handle: Any) -> int | None:
    try:
        return int(read(handle))
    except Exception:  # noqa: BLE001 (not supported by this device; NVML has one error class per code)
        return None
