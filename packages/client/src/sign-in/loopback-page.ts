/** What a browser is shown that comes back to a native application: one page, without script, style or anything to load. */

export interface LoopbackPage {
  readonly status: number
  readonly title: string
  readonly text: string
}

/** `name` is the application's, as people know it. */
export function signedInPage(name: string): LoopbackPage {
  return { status: 200, title: 'You are signed in', text: `You can close this window and go back to ${name}.` }
}

export function notSignedInPage(name: string): LoopbackPage {
  return { status: 400, title: 'You are not signed in', text: `Close this window and go back to ${name}: it says why.` }
}

export const nothingHerePage: LoopbackPage = { status: 404, title: 'Nothing here', text: 'This is not a page.' }

export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  connection: 'close',
} as const

export function htmlOf({ title, text }: LoopbackPage): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>${escaped(title)}</title></head>
<body><main><h1>${escaped(title)}</h1><p>${escaped(text)}</p></main></body>
</html>
`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
