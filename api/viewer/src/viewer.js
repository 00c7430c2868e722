import "neuroglancer";
import { setupDefaultViewer } from "neuroglancer/unstable/ui/default_viewer_setup.js";

// Neuroglancer's own documentation and its tests reach the viewer by this name.
window.viewer = setupDefaultViewer();
