"""Channels of an image in Neuroglancer: a layer for each, in its colour, which the viewer adds up.

Of red, green and blue that makes RGB. One layer with a shader for all would need chunks that hold
all channels (Neuroglancer 2.41.2, sliceview/frontend.ts), which those of voxlake do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from voxlake.ngff.drawing.contrast import Ends, ends_in
from voxlake.ngff.metadata.channels import Channel

MOST_LAYERS = 16
"""An image of more channels is one layer, in which one is chosen."""

_WHITE = "FFFFFF"
_GREY = """#uicontrol invlerp normalized{range}
void main() {{ emitGrayscale(normalized()); }}"""
_COLOURED = """#uicontrol invlerp contrast{range}
#uicontrol vec3 color color(default="#{color}")
void main() {{
  float value = contrast();
  if (VOLUME_RENDERING) {{ emitRGBA(vec4(color * value, value)); }}
  else {{ emitRGB(color * value); }}
}}"""


def image_layers(
    described: dict[str, Any],
    channels: Sequence[Channel],
    dimension: str | None,
    dtype: str,
    value_range: Ends | None,
) -> list[dict[str, Any]]:
    """Return the layers of an image: one, or one for each of its channels that are described.

    Parameters
    ----------
    described
        The layer, without a shader.
    channels
        As many as the image has, or none.
    dimension
        Neuroglancer's name of the axis of channels; None if the image has not one.
    dtype
        NumPy name of the type of the voxels.
    value_range
        Ends of channels that say none themselves; None: the viewer chooses.
    """
    if len(channels) <= 1 or dimension is None or len(channels) > MOST_LAYERS:
        only = channels[0] if len(channels) == 1 else Channel()
        ends = _window_ends(only, dtype) or value_range
        is_plain = only.color in {None, _WHITE} and ends is None
        return [described if is_plain else described | {"shader": shader(only.color, ends)}]
    is_any_active = any(channel.active for channel in channels)
    layers = []
    for number, (channel, name) in enumerate(zip(channels, _names(channels), strict=True)):
        layer = described | {
            "name": f"{described['name']} {name}",
            "localDimensions": {dimension: [1, ""]},
            "localPosition": [number + 0.5],
            "shader": shader(channel.color or _WHITE, _window_ends(channel, dtype) or value_range),
            "blend": "additive",
            "opacity": 1,
        }
        layers.append(layer if channel.active or not is_any_active else layer | {"visible": False})
    return layers


def shader(color: str | None, ends: Ends | None) -> str:
    """Return a shader that draws one channel in a colour; None and white: in grey."""
    text = f"(range=[{ends[0]!r},{ends[1]!r}])" if ends else ""
    template = _GREY if color in {None, _WHITE} else _COLOURED
    return template.format(range=text, color=color)


def _window_ends(channel: Channel, dtype: str) -> Ends | None:
    return None if channel.window is None else ends_in(channel.window, dtype)


def _names(channels: Sequence[Channel]) -> Iterator[str]:
    """Yield a name for each channel that no other has."""
    labels = [channel.label for channel in channels]
    for number, label in enumerate(labels):
        yield label if label and labels.count(label) == 1 else f"{label} {number}".strip()
