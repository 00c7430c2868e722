"""Coordinate frames: seen by everybody, changed by who made them and by administrators."""

from __future__ import annotations

from voxlake.api.guards.askers import Asker, GrantedPlace
from voxlake.documents.places.asked import FrameChange, FrameQuestion
from voxlake.documents.places.places import FrameDocument, FrameList, frame_document
from voxlake.platform.access import Add, Permission
from voxlake.platform.catalog.data.frames import Frame
from voxlake.platform.errors import ForbiddenError


async def list_frames(asker: Asker) -> FrameList:
    """Return all frames."""
    frames = await asker.of_catalog(lambda catalog: catalog.frames.list_all())
    return FrameList(frames=tuple(map(frame_document, frames)))


async def get_frame(asker: Asker, name: str) -> FrameDocument:
    """Return a frame."""
    return frame_document(await asker.of_catalog(lambda catalog: catalog.frames.get(name)))


async def add_frame(granted: GrantedPlace[Add], asked: FrameQuestion) -> FrameDocument:
    """Make a frame, which the asker may change."""
    owner = None if granted.asker.principal.user is None else granted.asker.principal.name
    new = Frame(**dict(asked))
    made = await granted.asker.of_catalog(lambda catalog: catalog.frames.add(new, owner=owner))
    return frame_document(made)


async def change_frame(asker: Asker, name: str, asked: FrameChange) -> FrameDocument:
    """Give a frame another name or description."""
    await _check(asker, name, Permission.UPDATE)
    changed = await asker.of_catalog(
        lambda catalog: catalog.frames.change(name, to=asked.name, description=asked.description)
    )
    return frame_document(changed)


async def remove_frame(asker: Asker, name: str) -> None:
    """Delete a frame."""
    await _check(asker, name, Permission.DELETE)
    await asker.of_catalog(lambda catalog: catalog.frames.remove(name))


async def _check(asker: Asker, name: str, permission: Permission) -> None:
    frame = await asker.of_catalog(lambda catalog: catalog.frames.get(name))
    if not frame.may_be_changed_by(asker.principal, permission):
        raise ForbiddenError(
            f"{asker.principal.name} may not {permission} frame {name}; ask who made it, or an "
            "administrator"
        )
