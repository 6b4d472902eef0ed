/** The scripts of the pages as files: the same for everybody, and for as long as their name stands. */

import { submitScript } from '../pages/form-post-page.ts'
import type { PageScript } from '../pages/page-script.ts'
import { passkeyScript } from '../pages/passkey-script.ts'
import type { Route } from '../router.ts'

export const pageScripts: readonly PageScript[] = [passkeyScript, submitScript]

const cacheSeconds = 365 * 86_400

export function scriptRoutes(): readonly Route[] {
  return pageScripts.map(({ path, text }) => ({
    path,
    methods: ['GET'],
    cors: 'none',
    endpoint: async () => ({ status: 200, headers, body: text }),
  }))
}

const headers = {
  'Content-Type': 'text/javascript; charset=utf-8',
  'Cache-Control': `public, max-age=${cacheSeconds}, immutable`,
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
}
