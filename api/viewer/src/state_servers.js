// The gateway that the viewer is served by keeps states that are shared.
globalThis.VOXLAKE_STATE_SERVERS = {
  voxlake: { url: new URL("../v2/states", location.href.split("#")[0]).href, default: true },
};
