import { z } from "zod";

const index = z.number().int();
/** An output or input of a task; the name is "" when Core has no word for its type (API facts, section 6). */
const port = z.object({ name: z.string().catch("") });

/** Values are strings in every file Core writes; others are taken as Python would print them. */
const parameter = z.object({
  name: z.string(),
  value: z.union([z.string(), z.number(), z.boolean(), z.null()]),
});

const task = z.object({
  task_id: index.optional(),
  task_data: z.object({
    name: z.string().min(1),
    parameters: z.array(parameter).nullish(),
    inputs: z.array(port).nullish(),
    outputs: z.array(port).nullish(),
  }),
});

const connection = z.object({
  source_id: index,
  source_index: index,
  target_id: index,
  target_index: index,
});

/**
 * An exported workflow file and the answer of `GET /workflow`, reduced to what Nightrun uses
 * (API facts, sections 3.3 and 6). Fields of newer and older files are ignored or optional.
 */
export const workflowFileSchema = z.object({
  metadata: z
    .object({ name: z.string().catch("") })
    .nullish()
    .catch(null),
  tasks: z.array(task),
  connections: z.array(connection).nullish(),
});

export type WorkflowFile = z.infer<typeof workflowFileSchema>;
