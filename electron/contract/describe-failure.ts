import {
  isDeploymentFailure,
  isImageFailure,
  type DeploymentFailure,
  type Failure,
  type ImageFailure,
  type SetupFailure,
} from "./failure.ts";
import { assertNever } from "./result.ts";

/** What a person reads: what happened (a sentence) and what to do next (a sentence). */
export interface FailureText {
  what: string;
  next: string;
}

const MEGABYTE = 1_000_000;

function text(what: string, next: string): FailureText {
  return { what, next };
}

function didYouMean(nearest: string | null): string {
  return nearest === null ? "" : ` Did you mean "${nearest}"?`;
}

function describeImageFailure(failure: ImageFailure): FailureText {
  switch (failure.reason) {
    case "unsupported-format":
      return text(
        `This file is ${failure.found}, which the deployment cannot read as a picture.`,
        "Convert it to JPEG, PNG, TIFF, WebP or BMP, or exclude it.",
      );
    case "name-does-not-match":
      return text(
        `The name ends in .${failure.extension}, but the content is ${failure.found}.`,
        "Check where the file comes from; give it the right name to have it run.",
      );
    case "special-file":
      return text(`This is a ${failure.kind}, not a file.`, "Copy the picture itself into the folder.");
    case "empty-file":
      return text("The file has zero bytes.", "Copy it again from its source.");
    case "truncated":
      return text(
        `The ${failure.format} file ends too early: part of the picture is missing.`,
        "Copy it again from its source; it is taken up by itself.",
      );
    case "damaged":
      return text(
        `The ${failure.format} file contradicts its own format: it is damaged.`,
        "Copy it again from its source; it is taken up by itself.",
      );
    case "still-changing":
      return text("The file was still being written.", "Run again when it is complete.");
    case "unreadable":
      return text(
        `The file cannot be read (${failure.code}).`,
        "Check its permissions and the disk, then retry it.",
      );
    case "vanished":
      return text("The file is no longer in the folder.", "Put it back to have it run.");
    case "changed-while-sending":
      return text(
        "The file changed while it was being sent.",
        "Nothing to do: the new content is run by itself.",
      );
    case "too-large":
      return text(
        `The deployment refuses a picture of ${(failure.bytes / MEGABYTE).toFixed(1)} MB as too large (413).`,
        "Make it smaller, or ask the deployment's owner for its limit.",
      );
    case "refused-input":
      return text(
        `The deployment refuses the request (${failure.status}): ${failure.detail}`,
        "Check tasks and parameters with `nightrun workflow`, then retry.",
      );
    case "workflow-error":
      return text(
        `The workflow failed on this image: "${failure.message}". Other images go on.`,
        "Look at the deployment's log; retry the image when the cause is mended.",
      );
    case "outcome-unknown":
      return text(
        `It was sent ${failure.times} ${failure.times === 1 ? "time" : "times"} and no usable answer came (${failure.last}); it may have been computed and billed.`,
        "Check the connection and the deployment's log, then retry it.",
      );
    case "result-lost":
      return text(
        `Its result was lost on the way ${failure.times} ${failure.times === 1 ? "time" : "times"}.`,
        "Retry it when the connection is better.",
      );
    case "run-timeout":
      return text(
        `The deployment gave no result within ${Math.round(failure.waitedMs / 1000)} s.`,
        "Retry it, with a longer --run-timeout if the workflow is slow.",
      );
    case "unexpected-result":
      return text(
        `The answer is not what Ikomia documents: ${failure.what}.`,
        failure.rawFile === null
          ? "Retry it."
          : `The raw answer is kept in ${failure.rawFile}; retry, or report it.`,
      );
    case "cannot-write-output":
      return text(
        `The result is safe, but ${failure.file} cannot be written (${failure.code}).`,
        "Free some space or mend the permissions of the results folder, then retry: no new run is needed.",
      );
    case "quarantined":
      return text(
        `Nightrun stopped ${failure.crashes} times while it worked on this file, so it is set aside.`,
        "Check the file, then retry it.",
      );
    case "cancelled":
      return text("It was taken off the list.", "Retry it to have it run.");
    default:
      return assertNever(failure);
  }
}

function describeDeploymentFailure(failure: DeploymentFailure): FailureText {
  switch (failure.reason) {
    case "no-token":
      return text("There is no API token.", `Put it into the environment variable ${failure.variable}.`);
    case "token-rejected":
      return text(
        `The API token is not accepted (${failure.status} from ${failure.service}).`,
        "Make a new token in your Ikomia account settings and set IKOMIA_TOKEN.",
      );
    case "token-service-error":
      return text(
        `The token service ${failure.service} does not work${failure.status === null ? "" : ` (${failure.status})`}: ${failure.detail}`,
        "Try again later, or check IKOMIA_URL.",
      );
    case "deployment-not-found":
      return text(
        `Your account knows no deployment ${failure.deployment} (404).`,
        "Copy the endpoint URL from the deployment's page, and check that the token belongs to that account.",
      );
    case "not-a-deployment":
      return text(
        `${failure.url} answers ${failure.found}, not like an Ikomia deployment.`,
        "Check the URL, and whether a proxy or sign-in page stands in between.",
      );
    case "sign-in-refused":
      return text(
        `The deployment ${failure.deployment} does not accept the sign-in (${failure.status}).`,
        "Sign in again with a valid API token (IKOMIA_TOKEN).",
      );
    case "unreachable":
      return text(
        `${failure.host} cannot be reached (${failure.code}).`,
        "Check the network and the URL; HTTPS_PROXY is honoured.",
      );
    case "timed-out":
      return text(
        failure.phase === "connect"
          ? `${failure.host} did not accept the connection in time.`
          : `${failure.host} did not answer in time.`,
        "Check the network and the deployment's state, then try again.",
      );
    case "tls":
      return text(
        `The secure connection to ${failure.host} failed (${failure.code}).`,
        "If your company inspects TLS, give its certificate in NODE_EXTRA_CA_CERTS.",
      );
    case "proxy":
      return text(
        `The proxy ${failure.proxy} refuses the connection: ${failure.detail}`,
        "Check HTTPS_PROXY and NO_PROXY.",
      );
    case "busy":
      return text(
        `The deployment is busy (${failure.status}).`,
        "Nothing to do: Nightrun waits and goes on.",
      );
    case "server-error":
      return text(
        `The deployment answers with an error (${failure.status}): ${failure.detail}`,
        "Look at the deployment's log; Nightrun tries again by itself.",
      );
    case "unexpected-response":
      return text(
        `The deployment gives an answer (${failure.status}) that Ikomia does not document: ${failure.what}.`,
        "Check the URL, and whether a proxy stands in between.",
      );
    default:
      return assertNever(failure);
  }
}

function describeSetupFailure(failure: SetupFailure): FailureText {
  switch (failure.reason) {
    case "usage":
      return text(failure.message, failure.next);
    case "invalid-url":
      return text(
        `"${failure.url}" is not a usable URL: ${failure.problem}.`,
        "Copy the endpoint URL of the deployment.",
      );
    case "insecure-url":
      return text(
        `"${failure.url}" is not encrypted.`,
        "Use https; http is accepted for this machine (127.0.0.1) only.",
      );
    case "unknown-task":
      return text(
        `The workflow has no task "${failure.name}".${didYouMean(failure.nearest)}`,
        `Its tasks are: ${failure.known.join(", ")}. See \`nightrun workflow\`.`,
      );
    case "task-index-out-of-range":
      return text(
        `The workflow has ${failure.count} × "${failure.name}", so there is no #${failure.index}.`,
        `Use #0${failure.count > 1 ? ` to #${failure.count - 1}` : ""}.`,
      );
    case "output-out-of-range":
      return text(
        `"${failure.task}" has ${failure.count} ${failure.count === 1 ? "output" : "outputs"}, so there is no output ${failure.index}.`,
        failure.count === 0
          ? "Choose another task."
          : `Use ${failure.count === 1 ? "0" : `0 to ${failure.count - 1}`}; see \`nightrun workflow\`.`,
      );
    case "unknown-parameter":
      return text(
        `The task "${failure.task}" has no parameter "${failure.name}".${didYouMean(failure.nearest)}`,
        "See `nightrun workflow` for its parameters: Ikomia ignores unknown names without a word.",
      );
    case "no-outputs":
      return text(
        `There is no output to ask for: ${failure.detail}`,
        "Name one with --output <task[#index][:output]>.",
      );
    case "workflow-unavailable":
      return text(
        `The deployment does not tell its workflow: ${failure.detail}`,
        "Name the outputs with --output <task[#index][:output]>.",
      );
    case "inputs-missing":
      return text(
        `The workflow takes ${failure.needed.length} inputs (${failure.needed.join(", ")}), and ${failure.given} ${failure.given === 1 ? "is" : "are"} given.`,
        "Add the others with --input '<json>', for example --input '{\"DATA_DICT\":{}}'.",
      );
    case "bad-file":
      return text(
        `${failure.file} cannot be used: ${failure.problem}`,
        "Correct the file, or export it again.",
      );
    case "folder-missing":
      return text(
        `There is no folder ${failure.folder}.`,
        "Check the path, and whether its drive is connected.",
      );
    case "folder-replaced":
      return text(
        `The folder ${failure.folder} is not the one that was there: none of its known files lies in it.`,
        "Connect the right drive, and it goes on by itself. For the pictures that are there now, make another batch (on the command line: another --data file).",
      );
    case "folder-unreadable":
      return text(`The folder ${failure.folder} cannot be read (${failure.code}).`, "Check its permissions.");
    case "no-images":
      return text(
        `There is no image in ${failure.folder}.`,
        "Nightrun takes JPEG, PNG, TIFF, WebP and BMP files.",
      );
    case "results-folder":
      return text(
        `The results folder ${failure.folder} cannot be used: ${failure.problem}`,
        "Choose another with --results <dir>.",
      );
    case "unknown-batch":
      return text(
        `The data file holds no batch "${failure.wanted}".`,
        "See `nightrun status` for those it holds.",
      );
    case "no-data-file":
      return text(
        `There is no data file ${failure.file}.`,
        "Start with `nightrun run <folder>`, or name another with --data.",
      );
    case "data-file-in-use":
      return text(
        `Another Nightrun works with the data file ${failure.file}.`,
        "Stop it first, or use another file with --data.",
      );
    case "data-file-newer":
      return text(
        `The data file ${failure.file} was written by a newer Nightrun (version ${failure.version}; this one knows ${failure.known}).`,
        "Update Nightrun, or use another file with --data.",
      );
    case "data-file-damaged":
      return text(
        `The data file ${failure.file} is damaged: ${failure.detail}`,
        "Put it aside, restore a backup, or name another with --data. Result files are not affected.",
      );
    case "data-file-unwritable":
      return text(
        `The data file ${failure.file} cannot be written (${failure.code}).`,
        "Check permissions and free space, or use --data.",
      );
    case "disk-low":
      return text(
        `The disk of ${failure.folder} is almost full: ${Math.floor(failure.freeBytes / MEGABYTE)} MB are free, ${Math.ceil(failure.neededBytes / MEGABYTE)} MB are needed. Results stay on the server until there is room.`,
        "Free some space; Nightrun goes on by itself.",
      );
    default:
      return assertNever(failure);
  }
}

/** The sentence and the next step for every failure. */
export function describeFailure(failure: Failure): FailureText {
  if (failure.reason === "internal") {
    return text(
      `Nightrun met a defect of its own: ${failure.message}`,
      "Please report it. Nothing recorded is lost.",
    );
  }
  if (isImageFailure(failure)) return describeImageFailure(failure);
  if (isDeploymentFailure(failure)) return describeDeploymentFailure(failure);
  return describeSetupFailure(failure);
}
