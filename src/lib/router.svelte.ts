import { untrack } from "svelte";
import { formatRoute, parseRoute, type Route } from "./route.ts";

/** The place in the window, kept in the address. */
export class Router {
  #route = $state.raw<Route>({ view: "home" });

  get route(): Route {
    return this.#route;
  }

  start(): () => void {
    const read = (): void => {
      this.#route = parseRoute(location.hash);
    };
    read();
    addEventListener("hashchange", read);
    return () => {
      removeEventListener("hashchange", read);
    };
  }

  go(route: Route): void {
    const hash = formatRoute(route);
    if (hash !== location.hash) location.hash = hash;
    this.#route = route;
  }

  /**
   * Changes the address without a step in the history: for filters and the moving selection. An address that a person
   * changed a moment ago, of which the browser has not told yet, wins.
   */
  replace(route: Route): void {
    const wanted = parseRoute(location.hash);
    if (formatRoute(wanted) !== formatRoute(untrack(() => this.#route))) {
      this.#route = wanted;
      return;
    }
    history.replaceState(history.state, "", formatRoute(route));
    this.#route = route;
  }
}
