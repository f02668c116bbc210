"""The device key file is private, and each class of key lives as long as it should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.errors import IntegrityError, LockedError
from healthslm.vault.keys import (
    Class,
    DataKey,
    Device,
    epoch,
    unwrap_for_device,
    wrap_for_device,
)

DEVICE = Device(b"s" * 16, bytes(32))
KEY = DataKey(7, Class.DERIVED, 86_400, bytes(32))


@given(st.floats(0, 4e9))
def test_an_epoch_begins_at_or_before_now_and_is_shared_by_all_of_its_hour_day_or_month(now_s):
    for cls, longest_s in ((Class.RAW, 3600), (Class.DERIVED, 86_400), (Class.AUDIT, 31 * 86_400)):
        start_s = epoch(cls, now_s)
        assert 0 <= now_s - start_s < longest_s
        assert epoch(cls, start_s) == start_s
    assert epoch(Class.STATE, now_s) == 0


def test_epochs_end_with_the_hour_the_day_and_the_month():
    midnight = 1_709_251_200  # 2024-03-01, the day after a leap day
    for cls in (Class.RAW, Class.DERIVED, Class.AUDIT):
        assert epoch(cls, midnight) == midnight
        assert epoch(cls, midnight - 0.001) < midnight
    assert epoch(Class.AUDIT, midnight - 1) == 1_706_745_600  # 2024-02-01


def test_the_device_reads_back_the_key_it_wrote(tmp_path):
    DEVICE.write(tmp_path / "device.key")
    back = Device.read(tmp_path / "device.key")
    assert (back.store_id, back.public, back.wrap_key) == (
        DEVICE.store_id,
        DEVICE.public,
        DEVICE.wrap_key,
    )
    assert (tmp_path / "device.key").stat().st_mode & 0o777 == 0o600


def test_a_device_key_is_never_written_over_another(tmp_path):
    DEVICE.write(tmp_path / "device.key")
    with pytest.raises(FileExistsError):
        DEVICE.write(tmp_path / "device.key")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o644])
def test_a_device_key_that_others_may_touch_is_refused(tmp_path, mode):
    path = tmp_path / "device.key"
    DEVICE.write(path)
    path.chmod(mode)
    with pytest.raises(LockedError, match="others may read it"):
        Device.read(path)


def test_a_missing_device_key_is_said(tmp_path):
    with pytest.raises(LockedError, match="no device key"):
        Device.read(tmp_path / "device.key")


@pytest.mark.parametrize(
    "data", [b"", b"HSD2" + bytes(48), b"HSD1" + bytes(47), b"HSD1" + bytes(49)]
)
def test_a_file_that_is_no_device_key_is_refused(tmp_path, data):
    path = tmp_path / "device.key"
    path.write_bytes(data)
    path.chmod(0o600)
    with pytest.raises(IntegrityError, match="bad marker"):
        Device.read(path)


def test_the_devices_own_wrap_opens_for_its_key_id_alone():
    blob = wrap_for_device(DEVICE, KEY)
    assert unwrap_for_device(DEVICE, 7, blob) == KEY
    with pytest.raises(IntegrityError, match="wrong label"):
        unwrap_for_device(DEVICE, 8, blob)
    with pytest.raises(IntegrityError, match="wrong key"):
        unwrap_for_device(Device(b"s" * 16, b"t" * 32), 7, blob)
