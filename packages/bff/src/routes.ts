/**
 * The table of routes: which path of the application leads where. Only what is named is reached (RFC 10017 §6.1.3.6), and a
 * path that two programs could read in two ways leads nowhere.
 */

import type { Route } from './bff-options.ts'

export type Routed =
  | { readonly kind: 'found'; readonly upstream: URL; readonly route: Route }
  | { readonly kind: 'bad-path' | 'method' | 'no-route' }

/** `url` as the platform reads it: dot segments are resolved, and what is left of them leads nowhere. */
export function findRoute(routes: { readonly [path: string]: Route }, url: URL, method: string): Routed {
  const { pathname } = url
  const found = Object.entries(routes)
    .filter(([path]) => (path.endsWith('/') ? pathname.startsWith(path) : pathname === path))
    // The longest says most.
    .sort(([one], [other]) => other.length - one.length)[0]
  if (found === undefined) return { kind: 'no-route' }
  const [path, route] = found
  if (!isPlainPath(pathname)) return { kind: 'bad-path' }
  if (route.methods !== undefined && !route.methods.includes(method)) return { kind: 'method' }
  const base = new URL(route.upstream)
  const upstream = new URL(base)
  upstream.pathname = `${base.pathname}${pathname.slice(path.length)}`
  upstream.search = url.search
  const isBelow = upstream.origin === base.origin && upstream.pathname.startsWith(base.pathname)
  return isBelow ? { kind: 'found', upstream, route } : { kind: 'bad-path' }
}

/** No escaped dot, slash, backslash, percent or control character, no empty segment, no path parameter before a slash. */
function isPlainPath(pathname: string): boolean {
  return !/%(?:2e|2f|5c|25|[01][0-9a-f]|7f)/i.test(pathname) && !/\/\/|;\/|\\|\/\.{1,2}(?:[/;]|$)/.test(pathname)
}
