/** The pages. What they show is what a person may read over a shoulder: claims and times, never a token. */

import { type Html, html } from './html.ts'

/** What a page in front of the sign-in has to say, if anything. A closed list: it comes in by the address. */
export const notices = {
  ended: 'Your session was ended. Please sign in again.',
  denied: 'You did not allow it, so nobody was signed in.',
  stale: 'That sign-in was too old or already used. Please start again.',
  'signed-out': 'You are signed out, here and at the server that signed you in.',
} as const

export type Notice = keyof typeof notices

export function isNotice(text: unknown): text is Notice {
  return typeof text === 'string' && Object.hasOwn(notices, text)
}

export function homePage(issuerHost: string, notice: Notice | null): string {
  return page(
    'Welcome',
    html`${notice === null ? null : html`<p class="notice" role="status">${notices[notice]}</p>`}
<h1>Stay signed in, without keeping secrets in the browser</h1>
<p class="lead">This small application signs you in at <strong>${issuerHost}</strong>, keeps the tokens on its own server, sealed, and renews them before they run out. Your browser has one cookie that says nothing.</p>
<p><a class="button" href="/sign-in">Sign in</a></p>`,
  )
}

export interface Profile {
  readonly claims: readonly (readonly [name: string, value: string])[]
  readonly name: string
  readonly issuerHost: string
  readonly accessTokenSecondsLeft: number
  readonly grantSecondsLeft: number
  readonly refreshes: number
}

export function profilePage(profile: Profile): string {
  const { claims, issuerHost, refreshes } = profile
  return page(
    'Your profile',
    html`<h1>Hello, <bdi>${profile.name}</bdi></h1>
<p class="lead">You are signed in by <strong>${issuerHost}</strong>.</p>
<section aria-labelledby="session"><h2 id="session">Your session</h2>
<dl class="tiles">
<div><dt>Access token ends</dt><dd>in ${inWords(profile.accessTokenSecondsLeft)}</dd></div>
<div><dt>Refreshed</dt><dd>${refreshes === 1 ? 'once' : `${refreshes} times`}</dd></div>
<div><dt>Sign-in lasts</dt><dd>${inWords(profile.grantSecondsLeft)} more</dd></div>
</dl>
<form method="post" action="/refresh"><button>Refresh now</button></form></section>
<section aria-labelledby="claims"><h2 id="claims">What ${issuerHost} says about you</h2>
<dl class="claims">${claims.map(([name, value]) => html`<div><dt>${name}</dt><dd><bdi>${value}</bdi></dd></div>`)}</dl></section>
<form method="post" action="/sign-out"><button class="quiet">Sign out</button></form>`,
  )
}

export function problemPage(title: string, sentence: string): string {
  return page(
    title,
    html`<h1>${title}</h1><p class="lead">${sentence}</p><p><a class="button" href="/profile">Try again</a></p>`,
  )
}

function page(title: string, content: Html): string {
  const whole = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title} · Web example</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header><a href="/">Web example</a></header>
<main>${content}</main>
<footer>An example for Pawl: Express and openid-client, tokens on the server.</footer>
</body>
</html>
`
  return whole.markup
}

const units = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const

/** The largest unit that says it well enough: `14 minutes`, `3 days`. */
export function inWords(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const [unit, size] = units.find(([, each]) => whole >= 2 * each) ?? ['second', 1]
  const count = Math.round(whole / size)
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
