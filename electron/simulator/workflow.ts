import { blobDetection } from "./tasks/blob-detection.ts";
import { blobSegmentation } from "./tasks/blob-segmentation.ts";
import { blur } from "./tasks/blur.ts";
import { canny } from "./tasks/canny.ts";
import { colorSegmentation } from "./tasks/color-segmentation.ts";
import { cornerKeypoints } from "./tasks/corner-keypoints.ts";
import { histogram } from "./tasks/histogram.ts";
import { imageFacts } from "./tasks/image-facts.ts";
import { tallyReading } from "./tasks/tally-reading.ts";
import type { Task } from "./tasks/task.ts";

/** One task at its place in the workflow. */
export interface WorkflowNode {
  id: number;
  task: Task;
  /** 0 = first task of that name, 1 = second, ... */
  taskIndex: number;
  /** Node whose first output it works on; -1 = the workflow's input. */
  sourceId: number;
  /** Deployed values that differ from the task's own defaults. */
  deployed: Readonly<Record<string, string>>;
}

interface Placement {
  task: Task;
  sourceId: number;
  deployed?: Record<string, string>;
}

const INPUT = -1;
const BLUR = 0;

/** `BLUR` is the place of `blur` in this list. */
const PLACEMENTS: readonly Placement[] = [
  { task: blur, sourceId: INPUT },
  { task: blobDetection, sourceId: BLUR },
  { task: blobSegmentation, sourceId: BLUR },
  { task: colorSegmentation, sourceId: BLUR },
  { task: cornerKeypoints, sourceId: BLUR },
  { task: canny, sourceId: BLUR, deployed: { threshold1: "50.000000", threshold2: "150.000000" } },
  { task: tallyReading, sourceId: INPUT },
  { task: histogram, sourceId: INPUT },
  { task: histogram, sourceId: INPUT, deployed: { color_space: "HSV" } },
  { task: imageFacts, sourceId: INPUT },
];

/** The deployed workflow, in the order of its file. */
export const WORKFLOW: readonly WorkflowNode[] = PLACEMENTS.map(({ task, sourceId, deployed = {} }, id) => ({
  id,
  task,
  sourceId,
  deployed,
  taskIndex: PLACEMENTS.slice(0, id).filter((earlier) => earlier.task.name === task.name).length,
}));

/** Nodes from which nothing leads on. */
export function leafNodes(): WorkflowNode[] {
  return WORKFLOW.filter((node) => !WORKFLOW.some((other) => other.sourceId === node.id));
}

function ioType(name: string): { name: string } {
  return { name: `IODataType.${name}` };
}

function taskJson({ task, deployed }: WorkflowNode): Record<string, unknown> {
  return {
    inputs: task.inputs.map(ioType),
    language: task.language,
    name: task.name,
    outputs: task.outputs.map(ioType),
    parameters: task.parameters.map(({ name, value }) => ({ name, value: deployed[name] ?? value })),
    ...(task.language === 1 ? { url: `file:///home/user/Ikomia/Plugins/Python/${task.name}` } : {}),
  };
}

/** The answer of `GET /workflow`: an exported workflow file (API facts, section 6). */
export function workflowJson(): Record<string, unknown> {
  return {
    api: { python_version: "3.11", version: "0.16.1" },
    connections: WORKFLOW.map((node) => ({
      source_id: node.sourceId,
      source_index: 0,
      target_id: node.id,
      target_index: 0,
    })),
    exposed_outputs: [],
    exposed_parameters: [],
    hardware_config: { is_gpu_required: false, min_cpu: 0, min_ram: 0, min_vram: 0 },
    metadata: {
      description: "Small vision tasks that run on this machine, for trying Nightrun without an account.",
      keywords: "simulator",
      name: "Nightrun simulator",
    },
    tasks: WORKFLOW.map((node) => ({ task_data: taskJson(node), task_id: node.id })),
  };
}
