// From a label to its page in the console of the gateway that serves the viewer: a link among what
// is said of a selection, and a key for the label below the pointer.
import { SegmentationUserLayer } from "neuroglancer/unstable/layer/segmentation/index.js";
import { Uint64MapEntry } from "neuroglancer/unstable/segmentation_display_state/frontend.js";

const GATEWAY = new URL("../", location.href.split("#")[0]).href;
// Who reads by a link that opens a few addresses has no pages.
const HAS_PAGES = !/\/c\/[^/]+\/$/.test(GATEWAY);

const VOXELS = /^(?:zarr|flat|precomputed)\/([^/|]+)\/([^/|]+)\/(?:[^/|]+\/labels\/)?([^/|]+)/;
const GRAPH = /^segmentation\/table\/([^./|]+)\.([^./|]+)\.([^./|]+)/;
// A supervoxel of a graph has its layer, 1, in the highest of 8 bytes.
const LABEL_BITS = 56n;

/** Return the page of a label of a layer: text and address; undefined where it has none. */
function labelPage(layer, label) {
  if (!HAS_PAGES || label === 0n) return undefined;
  for (const { spec } of layer.dataSources) {
    const start = spec.url.indexOf(GATEWAY);
    if (start === -1) continue;
    const path = spec.url.slice(start + GATEWAY.length);
    const [graph, voxels] = [GRAPH.exec(path), VOXELS.exec(path)];
    // Roots of graphs are no labels.
    if (graph !== null && label >> LABEL_BITS !== 1n) return undefined;
    if (graph !== null) return pageOf(graph, label & ((1n << LABEL_BITS) - 1n));
    if (voxels !== null) return pageOf(voxels, label);
  }
  return undefined;
}

function pageOf([, collection, experiment, dataset], label) {
  return {
    text: `Page of label ${label}`,
    href: `${GATEWAY}datasets/${collection}/${experiment}/${dataset}/labels?label=${label}`,
  };
}

const display = SegmentationUserLayer.prototype.displaySegmentationSelection;

SegmentationUserLayer.prototype.displaySegmentationSelection = function (state, parent, context) {
  if (!display.call(this, state, parent, context)) return false;
  const { value } = state;
  const label = value instanceof Uint64MapEntry ? value.key : BigInt(value);
  const page = labelPage(this, label);
  if (page !== undefined) {
    const link = document.createElement("a");
    link.className = "voxlake-label-page";
    Object.assign(link, { href: page.href, textContent: page.text });
    Object.assign(link, { target: "_blank", rel: "noopener" });
    parent.appendChild(link);
  }
  return true;
};

/** Have a key of the viewer open the page of the label below the pointer. */
export function bindLabelPages(viewer) {
  viewer.inputEventBindings.global.set("keyp", "open-label-page");
  viewer.bindAction("open-label-page", () => {
    for (const { layer, visible } of viewer.layerManager.managedLayers) {
      if (!visible || !(layer instanceof SegmentationUserLayer)) continue;
      const { baseValue } = layer.displayState.segmentSelectionState;
      if (baseValue === undefined) continue;
      const page = labelPage(layer, baseValue);
      if (page !== undefined) window.open(page.href, "_blank", "noopener");
      return;
    }
  });
}
