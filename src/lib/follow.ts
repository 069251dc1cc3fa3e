/** Names what an effect must run again for, although it does not use the values themselves. */
export function follow(..._values: readonly unknown[]): void {
  // Reading the arguments is all that is wanted.
}
