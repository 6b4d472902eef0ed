/**
 * The pages of the device grant (RFC 8628 §3.3), with what RFC 10027 asks of them: the person is told which application
 * wants in, where and when it asked, that the code must be on a device in their own hands, and that nobody has a reason to
 * send them one. A no weighs as much as a yes.
 */

import type { DeviceOutcome } from '../../oauth/authorize/waiting-device.ts'
import { type ConsentPageProps, decisions, permissions, switchForm } from './consent-page.ts'
import { inWords, waitInWords } from './durations.ts'
import { type Html, html } from './html.ts'
import { page, type Page, type PageFrame, stateForm } from './layout.ts'

export type UserCodeProblem =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'throttled'; readonly retryAfterSeconds: number }

export interface UserCodePageProps extends PageFrame {
  /** What a link or the person wrote before; empty for nothing. */
  readonly userCode: string
  readonly problem: UserCodeProblem | null
}

/** A link with a code in it leads here and no further: looking at a page must not tie a device to a browser. */
export function userCodePage({ issuerHost, userCode, problem }: UserCodePageProps): Page {
  const told = problem === null ? null : html` aria-invalid="true" aria-describedby="problem"`
  const card = html`<h1>Let a device in</h1>
<p class="quiet">Enter the code that the device shows.</p>
${problem === null ? null : html`<p class="notice problem" id="problem" role="alert">${sentenceOf(problem)}</p>`}
<p class="notice">Did somebody send you this code or a link to this page? Then close it: whoever did wants to get into your account.</p>
<form method="post" action="/device">
<div class="field"><label for="user_code">Code on the device</label>
<input id="user_code" name="user_code" type="text" autocomplete="off" autocapitalize="characters" autocorrect="off" spellcheck="false" maxlength="${userCodeCharactersMax}" required autofocus value="${userCode}"${told}></div>
<div class="choices"><button class="primary" name="decision" value="continue">Continue</button></div>
</form>`
  return page({ issuerHost, title: problem === null ? 'Let a device in' : 'Problem: let a device in', card })
}

export const userCodeCharactersMax = 64

function sentenceOf(problem: UserCodeProblem): string {
  if (problem.kind === 'unknown') {
    return 'No device waits for you under this code. Please compare it with the device; after a while it shows a new one.'
  }
  return `There were too many attempts. Please wait ${waitInWords(problem.retryAfterSeconds)}, then try again.`
}

export interface DeviceOnPage {
  readonly userCode: string
  readonly address: string
  readonly userAgent: string
  readonly askedSecondsAgo: number
  /** It asked from the network that this browser is on. */
  readonly isNearby: boolean
}

export interface DeviceConsentPageProps extends ConsentPageProps {
  readonly device: DeviceOnPage
}

export function deviceConsentPage(props: DeviceConsentPageProps): Page {
  const { client, device, stateToken, issuerHost } = props
  const card = html`<h1>Let <bdi>${client.name}</bdi> in on another device?</h1>
<p class="quiet">You are signed in as <bdi>${props.userEmail}</bdi>. Whoever holds that device can then act as you.</p>
<p class="user-code"><strong><code>${device.userCode}</code></strong></p>
<p class="notice">Go on only if the device is in front of you, shows this very code, and you have just started this yourself. ${props.clientIsCertain ? null : 'Any program can call itself by this name. '}Nobody has a reason to send you a code: refuse if somebody did.</p>
<dl class="facts">
<dt>Asked from</dt><dd><bdi>${device.address}</bdi>, ${device.isNearby ? 'the network you are on now' : html`<strong>another network than yours</strong>`}</dd>
<dt>Asked with</dt><dd><bdi>${device.userAgent === '' ? 'a program that does not say what it is' : device.userAgent}</bdi></dd>
<dt>Asked</dt><dd>${device.askedSecondsAgo === 0 ? 'just now' : `${inWords(device.askedSecondsAgo)} ago`}</dd>
</dl>
${permissions(props)}
${stateForm({ action: '/consent', stateToken, content: decisions() })}`
  const below = html`<div class="aside">${switchForm(stateToken)}</div>`
  return page({ issuerHost, title: `Let ${client.name} in?`, card, below })
}

export interface DeviceDonePageProps extends PageFrame {
  readonly outcome: DeviceOutcome
}

export function deviceDonePage({ issuerHost, outcome }: DeviceDonePageProps): Page {
  const { title, text } = done[outcome]
  return page({ issuerHost, title, card: html`<h1>${title}</h1><p>${text}</p>` })
}

const done: { readonly [outcome in DeviceOutcome]: { readonly title: string; readonly text: Html } } = {
  allowed: {
    title: 'The device is let in',
    text: html`It goes on by itself in a few seconds. You can close this page.`,
  },
  refused: {
    title: 'The device stays out',
    text: html`It has been told so and got nothing of yours. You can close this page.`,
  },
  allowed_before: {
    title: 'The device was let in before',
    text: html`Somebody said yes in another tab of this browser, and that stands. Take back what the application may do in <a href="/account">your account</a>.`,
  },
}
