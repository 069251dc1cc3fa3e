/** What a view can ask of the table of images. */
export interface TableHandle {
  reveal(index: number): void;
  focus(): void;
  toTop(): void;
  pageLength(): number;
}

/** What a view can ask of the filters above it. */
export interface FiltersHandle {
  focusSearch(): void;
}
