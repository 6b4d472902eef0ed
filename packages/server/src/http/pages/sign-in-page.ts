/** The sign-in page: one page, one form with both fields, whatever went wrong before. */

import { clientPageFacts, type ClientOnPage, clientNameAndHost } from './client-on-page.ts'
import { waitInWords } from './durations.ts'
import { type Html, html } from './html.ts'
import { page, type Page, type PageFrame, stateForm } from './layout.ts'
import { passkeyForm, passkeyScript } from './passkey-script.ts'

/** What went wrong. Nothing here says whether the address is known. */
export type SignInProblem =
  | { readonly kind: 'refused' | 'passkey_refused' | 'expired' | 'other_person' }
  | { readonly kind: 'upstream_refused' | 'upstream_unlinked' }
  | { readonly kind: 'busy'; readonly retryAfterSeconds: number }
  | { readonly kind: 'throttled'; readonly retryAfterSeconds: number }

export interface SignInPageProps extends PageFrame {
  /** Where its forms go: an application's sign-in, or that to the person's own pages. */
  readonly action?: string
  /** The JSON of the options, where passkeys can be used. */
  readonly passkeyOptions?: string | null
  /** Where a forgotten password leads; null while the server sends no mail. */
  readonly forgottenHref?: string | null
  /** Other providers at which people may sign in. */
  readonly upstreams?: readonly { readonly id: string; readonly name: string }[]
  /** Somebody new may have an account by asking for it. */
  readonly offersAccount?: boolean
  readonly stateToken: string
  /** Null where no application waits for the answer. */
  readonly client: ClientOnPage | null
  /** What the application or the person wrote before; never a password. */
  readonly loginHint: string | null
  readonly problem: SignInProblem | null
  /** The person is signed in, and asked to prove it once more (`prompt=login`, `max_age`). */
  readonly signedInAs: string | null
}

export const emailCharactersMax = 254

export function signInPage(props: SignInPageProps): Page {
  const { client, problem, stateToken, action = '/sign-in', passkeyOptions = null } = props
  const passkey = passkeyOptions === null ? null : passkeyFormOf(props, action, passkeyOptions)
  const card = html`<h1>Sign in</h1>
<p class="quiet">${client === null ? 'to see your account' : html`to go on to ${clientNameAndHost(client)}`}</p>
${props.signedInAs === null ? null : html`<p class="notice">You are signed in as <bdi>${props.signedInAs}</bdi>. Please show once more that it is you, or sign in as somebody else.</p>`}
${problem === null ? null : html`<p class="notice problem" id="problem" role="alert">${sentenceOf(problem)}</p>`}
${stateForm({ action, stateToken, content: fields(props) })}${passkey}${upstreamForm(props, action)}`
  const below = html`<div class="aside">${forgottenLink(props)}${props.offersAccount === true ? newAccountForm(action, stateToken) : null}${client === null ? null : html`${giveUpForm(client, stateToken)}${aboutClient(client)}`}</div>`
  const script = passkey === null ? {} : { script: passkeyScript }
  const title = problem === null ? 'Sign in' : 'Problem: sign in'
  return page({ issuerHost: props.issuerHost, title, card, below, ...script })
}

function passkeyFormOf(props: SignInPageProps, action: string, options: string): Html {
  const ceremony = { ceremony: 'get', options, offersInField: true } as const
  return passkeyForm({
    action,
    stateToken: props.stateToken,
    ...ceremony,
    button: 'Sign in with a passkey',
    isPrimary: false,
  })
}

function upstreamForm({ upstreams = [], stateToken }: SignInPageProps, action: string): Html | null {
  if (upstreams.length === 0) return null
  const forms = upstreams.map(({ id, name }) => {
    const button = html`<button class="secondary" name="decision" value="upstream">Sign in at <bdi>${name}</bdi></button>`
    return stateForm({
      action,
      stateToken,
      content: html`<input type="hidden" name="upstream" value="${id}">${button}`,
    })
  })
  return html`<div class="providers">${forms}</div>`
}

function forgottenLink({ forgottenHref = null }: SignInPageProps): Html | null {
  return forgottenHref === null ? null : html`<p><a href="${forgottenHref}">I have forgotten my password</a></p>`
}

function fields(props: SignInPageProps): Html {
  const known = props.loginHint ?? ''
  const offersPasskeys = (props.passkeyOptions ?? null) !== null
  const fault = props.problem?.kind === 'refused' ? html` aria-invalid="true"` : null
  const told = props.problem === null ? null : html` aria-describedby="problem"`
  const [first, second] = known === '' ? [html` autofocus`, null] : [null, html` autofocus`]
  return html`
<div class="field"><label for="username">E-mail</label>
<input id="username" name="username" type="text" inputmode="email" autocomplete="${offersPasskeys ? 'username webauthn' : 'username'}" autocapitalize="none" autocorrect="off" spellcheck="false" maxlength="${emailCharactersMax}" required value="${known}"${fault}${told}${first}></div>
<div class="field"><label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required${fault}${told}${second}></div>
<div class="choices"><button class="primary" name="decision" value="sign_in">Sign in</button></div>
`
}

function newAccountForm(action: string, stateToken: string): Html {
  const button = html`<button name="decision" value="create_account">Create an account</button>`
  return stateForm({ action, stateToken, content: button })
}

function giveUpForm(client: ClientOnPage, stateToken: string): Html {
  const button = html`<button name="decision" value="cancel">Go back to <bdi>${client.name}</bdi> without signing in</button>`
  return stateForm({ action: '/sign-in', stateToken, content: button })
}

function aboutClient(client: ClientOnPage): Html | null {
  const facts = clientPageFacts(client)
  return facts === null ? null : html`<dl class="facts">${facts}</dl>`
}

function sentenceOf(problem: SignInProblem): string {
  switch (problem.kind) {
    case 'refused':
      return 'This e-mail and password do not go together. Please check both and try again.'
    case 'passkey_refused':
      return 'This passkey did not sign you in. Please try again, or use your password.'
    case 'upstream_refused':
      return 'The other provider did not say who you are. Please try again, or sign in another way.'
    case 'upstream_unlinked':
      return 'That account there is connected to nobody here. Sign in with your password; on your account page you can connect the two.'
    case 'throttled':
      return `There were too many attempts. Please wait ${waitInWords(problem.retryAfterSeconds)}, then try again.`
    case 'busy':
      return 'Many people are signing in at this moment. Please try again in a few seconds.'
    case 'expired':
      return 'This page had been open for too long. Please sign in again.'
    case 'other_person':
      return 'The application asked for another person than the one who signed in. Please sign in as that person.'
  }
}
