/**
 * The output types of Ikomia on the wire, keys as the server writes them (API facts, section 5).
 * `{"file": ".task-0.1.png"}` stands where a base64 picture was: the end of the file's name, after the image's own name.
 */
export interface PictureFile {
  file: string;
}

export interface Point {
  x: number;
  y: number;
}

export interface Color {
  r: number;
  g: number;
  b: number;
  a?: number | undefined;
}

export interface Box extends Point {
  width: number;
  height: number;
}

export interface Detection {
  id: number;
  label: string;
  confidence: number;
  /** Top-left and size; for rotated boxes the centre (the angle is lost: API facts, 5.5). */
  box: Box;
  color: Color;
}

export interface ObjectDetection {
  detections: Detection[];
  referenceImageIndex?: number | undefined;
}

export interface InstanceDetection extends Detection {
  classIndex?: number | undefined;
  /** Full image size; foreground = any non-zero pixel. */
  mask?: PictureFile | string | undefined;
  polygons?: GraphicsItem[] | undefined;
  /** 0 = thing, 1 = stuff. */
  type?: number | undefined;
}

export interface InstanceSegmentation {
  detections: InstanceDetection[];
  referenceImageIndex?: number | undefined;
}

export interface SemanticSegmentation {
  classes: string[];
  colors: Color[];
  /** One channel, pixel value = class index. */
  mask?: PictureFile | string | undefined;
  polygons?: GraphicsItem[] | undefined;
  referenceImageIndex?: number | undefined;
}

export interface KeypointObject extends Detection {
  points: { index: number; x: number; y: number; z?: number | undefined }[];
}

export interface Keypoints {
  links: { index1: number; index2: number; color?: Color | undefined; label?: string | undefined }[];
  names: string[];
  objects: KeypointObject[];
  referenceImageIndex?: number | undefined;
}

export interface TextField {
  id: number;
  label: string;
  text: string;
  confidence: number;
  color: Color;
  polygon: Point[];
}

export interface Texts {
  fields: TextField[];
  referenceImageIndex?: number | undefined;
}

/** `type`: 0 layer, 1 point, 2 ellipse, 3 rectangle, 4 polygon, 5 complex polygon, 6 polyline, 7 text. */
export interface GraphicsItem {
  id?: number | undefined;
  type: number;
  x?: number | undefined;
  y?: number | undefined;
  width?: number | undefined;
  height?: number | undefined;
  polygon?: Point[] | undefined;
  outer?: Point[] | undefined;
  inners?: Point[][] | undefined;
  polyline?: Point[] | undefined;
  text?: string | undefined;
  properties?:
    | {
        pen?: Color | undefined;
        brush?: Color | undefined;
        color?: Color | undefined;
        category?: string | undefined;
        line?: number | undefined;
        size?: number | undefined;
      }
    | undefined;
}

export interface Graphics {
  items: GraphicsItem[];
  layer?: string | undefined;
  imageIndex?: number | undefined;
}

/** Column-major; values are strings even when numeric. `plotType`: 0 curve, 1 bar, 2 multibar, 3 histogram, 4 pie. */
export interface NumericValues {
  headers: string[];
  values: string[][];
  valueLabels?: string[][] | undefined;
  outputType?: number | undefined;
  plotType?: number | undefined;
}

export interface Measure {
  graphicsId?: number | undefined;
  label: string;
  measure: { id: number; name: string; formula?: string | undefined };
  values: number[];
}

export interface BlobValues {
  objects: Measure[][];
}

/** One output after reading: known and well-formed, or kept as it came. */
export type Output =
  | { type: "image"; data: PictureFile | string }
  | { type: "OBJECT_DETECTION"; data: ObjectDetection }
  | { type: "INSTANCE_SEGMENTATION"; data: InstanceSegmentation }
  | { type: "SEMANTIC_SEGMENTATION"; data: SemanticSegmentation }
  | { type: "KEYPOINTS"; data: Keypoints }
  | { type: "TEXT"; data: Texts }
  | { type: "GRAPHICS"; data: Graphics }
  | { type: "NUMERIC_VALUES"; data: NumericValues }
  | { type: "BLOB_VALUES"; data: BlobValues }
  | { type: "DATA_DICT"; data: unknown }
  | { type: "unknown"; key: string; data: unknown };

/**
 * What one output says in short, for tables and lists.
 * `labels`: how many objects of each label. `text`: one line for a person.
 */
export interface OutputSummary {
  type: string;
  labels?: Record<string, number> | undefined;
  text: string;
}
