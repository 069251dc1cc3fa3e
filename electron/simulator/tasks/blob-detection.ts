import { BLOB_PARAMETERS, detectionOf, findBlobs } from "./blobs.ts";
import { echoedImage } from "./scene.ts";
import type { Task } from "./task.ts";

/** Boxes around everything that stands out from the background. */
export const blobDetection: Task = {
  name: "infer_blob_detection",
  language: 1,
  inputs: ["IMAGE"],
  outputs: ["IMAGE", "OBJECT_DETECTION"],
  parameters: BLOB_PARAMETERS,
  async output(index, scene, values) {
    if (index === 0) return echoedImage(scene);
    const { blobs } = await findBlobs(scene, values);
    return { OBJECT_DETECTION: { detections: blobs.map(detectionOf), referenceImageIndex: 0 } };
  },
};
