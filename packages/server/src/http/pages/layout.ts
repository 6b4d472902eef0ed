/**
 * What every page has: the document, the headers that keep it from being framed, cached, read by a referrer or made to
 * load anything, and the frame round its one card. There is no `form-action`: Chromium applies it to the redirect that
 * follows a form, and would stop the way back to the application.
 */

import { type Html, html, render, verbatim } from './html.ts'
import { greatWheel, iconHref, mark, markSymbols, rack } from './mark.ts'
import type { PageScript } from './page-script.ts'
import { cspHash, stylesheet } from './stylesheet.ts'

/** A page ready to be sent, with whatever status and cookies the endpoint gives it. */
export interface Page {
  readonly headers: { readonly [name: string]: string }
  readonly body: string
}

export interface PageFrame {
  /** Where the person is: the host of the issuer, so that a copy of the page elsewhere can be told. */
  readonly issuerHost: string
}

export interface PageContent extends PageFrame {
  readonly title: string
  readonly card: Html
  /** What stands below the card: the forms that do not carry on. */
  readonly below?: Html | null
  /** The one script it loads, from here and nowhere else. */
  readonly script?: PageScript
  /** Addresses the card shows in frames; their origins, and no others, may be framed. */
  readonly frames?: readonly string[]
  /** Where the browser goes by itself after a while. */
  readonly goesTo?: { readonly href: string; readonly afterSeconds: number }
}

export function page(content: PageContent): Page {
  const { issuerHost, title } = content
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title} · ${issuerHost}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
${refresh(content.goesTo)}<link rel="icon" href="${iconHref()}">
<style>${verbatim(stylesheet)}</style>
</head>
<body>
${markSymbols()}${rack()}${greatWheel()}
<header class="column">${mark()}<p class="place"><strong><bdi>${issuerHost}</bdi></strong> <span>Signs you in to your applications</span></p></header>
<main class="column">
<div class="card">${content.card}</div>
${content.below ?? null}
</main>
<footer class="column"><p>Kept by Pawl</p></footer>
${content.script === undefined ? null : html`<script src="${content.script.path}"></script>`}
</body>
</html>
`
  return { headers: pageHeaders(content), body: render(document) }
}

function refresh(goesTo: PageContent['goesTo']): Html | null {
  return goesTo === undefined
    ? null
    : html`<meta http-equiv="refresh" content="${goesTo.afterSeconds}; url=${goesTo.href}">
`
}

/** A form with what it always carries: the sealed state, which the server and the browser's cookie must both agree to. */
export function stateForm(form: {
  readonly action: string
  readonly stateToken: string
  readonly content: Html
}): Html {
  return html`<form method="post" action="${form.action}"><input type="hidden" name="state_token" value="${form.stateToken}">${form.content}</form>`
}

function pageHeaders(content: PageContent): Page['headers'] {
  return {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': contentSecurityPolicy(content),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': permissionsPolicy,
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  }
}

function contentSecurityPolicy({ script, frames = [] }: PageContent): string {
  const scripts = script === undefined ? [] : ["script-src 'self'"]
  const origins = [...new Set(frames.map(frame => new URL(frame).origin))]
  return [
    "default-src 'none'",
    ...scripts,
    `style-src ${cspHash(stylesheet)}`,
    'img-src data:',
    ...(origins.length === 0 ? [] : [`frame-src ${origins.join(' ')}`]),
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

const permissionsPolicy = [
  'accelerometer=()',
  'browsing-topics=()',
  'camera=()',
  'display-capture=()',
  'geolocation=()',
  'gyroscope=()',
  'microphone=()',
  'payment=()',
  'usb=()',
].join(', ')
