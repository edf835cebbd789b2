// Preact and htm by the names that the modules use: html`<p>${text}</p>` makes elements, and whatever stands in ${} is text.

export const html = htm.bind(preact.h);
export const { Fragment, createContext, render } = preact;
export const { useContext, useEffect, useErrorBoundary, useLayoutEffect, useMemo, useRef, useState } = preactHooks;
