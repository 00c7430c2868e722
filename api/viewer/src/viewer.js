// Before Neuroglancer, which looks at what it sets as it is loaded.
import "./state_servers.js";
import "neuroglancer";
import { setupDefaultViewer } from "neuroglancer/unstable/ui/default_viewer_setup.js";

import { bindLabelPages } from "./label_pages.js";

// Neuroglancer's own documentation and its tests reach the viewer by this name.
window.viewer = setupDefaultViewer();
bindLabelPages(window.viewer);
