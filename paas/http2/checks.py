"""What single frames must be like. Each raises `Broken` where one is not."""

from paas.http2 import frames
from paas.http2.frames import MAX_FRAME, MAX_WINDOW, Broken, ErrorCode, Frame


def on_stream(frame: Frame) -> Frame:
    if not frame.stream:
        raise Broken(ErrorCode.PROTOCOL_ERROR, "frame without a stream")
    return frame


def on_connection(frame: Frame) -> Frame:
    if frame.stream:
        raise Broken(ErrorCode.PROTOCOL_ERROR, "frame with a stream")
    return frame


def sized(frame: Frame, size: int) -> Frame:
    if len(frame.payload) != size:
        raise Broken(ErrorCode.FRAME_SIZE_ERROR, "frame of another size")
    return frame


def check_dependency(stream: int, payload: bytes) -> None:
    """Priorities are ignored, but a stream cannot depend on itself (RFC 7540, 5.3.1)."""
    if len(payload) < 5:
        raise Broken(ErrorCode.FRAME_SIZE_ERROR, "priority cut short")
    if int.from_bytes(payload[:4], "big") & MAX_WINDOW == stream:
        raise Broken(ErrorCode.PROTOCOL_ERROR, "stream that depends on itself")


def check_setting(number: int, value: int) -> None:
    """Section 6.5.2."""
    if number == frames.SET_ENABLE_PUSH and value > 1:
        raise Broken(ErrorCode.PROTOCOL_ERROR, "push neither on nor off")
    if number == frames.SET_INITIAL_WINDOW_SIZE and value > MAX_WINDOW:
        raise Broken(ErrorCode.FLOW_CONTROL_ERROR, "first window over limit")
    if number == frames.SET_MAX_FRAME_SIZE and not MAX_FRAME <= value < 2**24:
        raise Broken(ErrorCode.PROTOCOL_ERROR, "frame size out of range")
