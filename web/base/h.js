// Preact, htm and signals in one import: html`…` makes elements, never strings of HTML.
import { h, render, Fragment } from "../vendor/preact.js";
import { useEffect, useRef, useState, useMemo, useCallback, useErrorBoundary } from "../vendor/hooks.js";
import { signal, computed, effect, batch, useSignal, useComputed } from "../vendor/signals.js";
import htm from "../vendor/htm.js";
import { placed, place } from "./place.js";

// Addresses in elements are written as if the box were at the top of its host.
const put = (type, props, ...children) => {
  if (typeof type === "string" && props)
    for (const name of ["href", "src"])
      if (typeof props[name] === "string") props = { ...props, [name]: placed(props[name]) };
  return h(type, props, ...children);
};
export const html = htm.bind(place ? put : h);
export { h, render, Fragment, useEffect, useRef, useState, useMemo, useCallback, useErrorBoundary };
export { signal, computed, effect, batch, useSignal, useComputed };
