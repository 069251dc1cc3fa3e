import type { Workflow } from "../../../electron/contract/workflow.ts";

/** A small workflow with a parameter of every kind. */
export const FIXTURE_WORKFLOW: Workflow = {
  name: "Herbarium",
  tasks: [
    {
      id: 0,
      name: "ocv_clahe",
      taskIndex: 0,
      inputs: ["IMAGE"],
      outputs: ["IMAGE"],
      parameters: [
        { name: "clipLimit", value: "4.000000" },
        { name: "useGrid", value: "0" },
      ],
    },
    {
      id: 1,
      name: "find_blobs",
      taskIndex: 0,
      inputs: ["IMAGE"],
      outputs: ["IMAGE", "OBJECT_DETECTION"],
      parameters: [
        { name: "classes", value: '["leaf", "flower"]' },
        { name: "conf_thres", value: "0.25" },
        { name: "cuda", value: "True" },
        { name: "min_area", value: "80" },
        { name: "model_name", value: "yolov8m" },
      ],
    },
  ],
  connections: [
    { sourceId: -1, sourceIndex: 0, targetId: 0, targetIndex: 0 },
    { sourceId: 0, sourceIndex: 0, targetId: 1, targetIndex: 0 },
  ],
};
