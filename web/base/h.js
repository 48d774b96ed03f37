// Preact, htm and signals in one import: html`…` makes elements, never strings of HTML.
import { h, render, Fragment } from "../vendor/preact.js";
import { useEffect, useRef, useState, useMemo, useCallback, useErrorBoundary } from "../vendor/hooks.js";
import { signal, computed, effect, batch, useSignal, useComputed } from "../vendor/signals.js";
import htm from "../vendor/htm.js";

export const html = htm.bind(h);
export { h, render, Fragment, useEffect, useRef, useState, useMemo, useCallback, useErrorBoundary };
export { signal, computed, effect, batch, useSignal, useComputed };
