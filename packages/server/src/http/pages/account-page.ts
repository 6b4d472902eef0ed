/** A person's own page: how they sign in, where they are signed in, what they have allowed, and an end to each of it. */

import { codeCharactersMax } from './second-factor-page.ts'
import { type Html, html } from './html.ts'
import { page, type Page, type PageFrame, stateForm } from './layout.ts'
import { passwordCharactersMin } from './password-sentence.ts'
import { passkeyForm, passkeyScript } from './passkey-script.ts'
import { scopeSentence } from './scope-sentences.ts'

/** Said at the top after something was done, or could not be. */
export interface AccountNotice {
  readonly isProblem: boolean
  readonly text: string
}

export interface ShownSession {
  readonly id: string
  readonly isThis: boolean
  /** What the browser seems to be: `Firefox on Windows`. */
  readonly agent: string
  /** Where the sign-in came from. */
  readonly address: string
  /** When its person signed in, for people: `2 March 2027, 12:00 UTC`. */
  readonly since: string
  readonly how: string
}

export interface ShownPasskey {
  readonly id: string
  readonly name: string
  readonly since: string
  readonly lastUsed: string | null
}

export interface ShownApplication {
  readonly clientId: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly holdings: readonly ShownHolding[]
}

/** One place in which the application holds something. */
export type ShownHolding = HoldingInWords & { readonly id: string; readonly since: string; readonly lastUsed: string }

export type HoldingInWords =
  | { readonly kind: 'sign_in' | 'device' }
  /** Made by the application of another one, under a name of its own. */
  | { readonly kind: 'branch'; readonly name: string }

export interface ShownUpstream {
  readonly id: string
  readonly name: string
  /** Null where there is no connection. */
  readonly since: string | null
}

export interface AccountPageProps extends PageFrame {
  readonly stateToken: string
  readonly userEmail: string
  readonly notice: AccountNotice | null
  readonly hasTotp: boolean
  readonly recoveryCodesLeft: number
  readonly passkeys: readonly ShownPasskey[]
  /** The JSON of the options for one more passkey; null where there can be none. */
  readonly passkeyOptions: string | null
  readonly sessions: readonly ShownSession[]
  readonly applications: readonly ShownApplication[]
  readonly upstreams: readonly ShownUpstream[]
}

const action = '/account'

export function accountPage(props: AccountPageProps): Page {
  const { notice, userEmail } = props
  const card = html`<h1>Your account</h1>
<p class="quiet">You are signed in as <bdi>${userEmail}</bdi>.</p>
${notice === null ? null : html`<p class="notice${notice.isProblem ? ' problem' : ''}" role="${notice.isProblem ? 'alert' : 'status'}">${notice.text}</p>`}
${passwordSection(props)}
${passkeySection(props)}
${totpSection(props)}
${upstreamSection(props)}
${sessionSection(props)}
${applicationSection(props)}`
  const script = props.passkeyOptions === null ? {} : { script: passkeyScript }
  return page({ issuerHost: props.issuerHost, title: 'Your account', card, ...script })
}

function passwordSection({ stateToken, userEmail }: AccountPageProps): Html {
  const content = html`<input hidden type="text" name="username" autocomplete="username" value="${userEmail}">
<div class="field"><label for="current-password">Current password</label>
<input id="current-password" name="current_password" type="password" autocomplete="current-password" required></div>
<div class="field"><label for="new-password">New password</label>
<input id="new-password" name="new_password" type="password" autocomplete="new-password" minlength="${passwordCharactersMin}" required aria-describedby="new-password-hint">
<p class="quiet" id="new-password-hint">At least ${passwordCharactersMin} characters. A few words in a row are good.</p></div>
<div class="choices"><button class="primary" name="decision" value="change_password">Change password</button></div>`
  return html`<section aria-labelledby="password-head"><h2 id="password-head">Password</h2>
${stateForm({ action, stateToken, content })}</section>`
}

function passkeySection({ stateToken, passkeys, passkeyOptions }: AccountPageProps): Html | null {
  if (passkeyOptions === null && passkeys.length === 0) return null
  const rows = passkeys.map(
    passkey => html`<li><span><strong><bdi>${passkey.name}</bdi></strong> <span class="quiet">since ${passkey.since}${passkey.lastUsed === null ? '' : `, last used ${passkey.lastUsed}`}</span></span>
${targetForm(stateToken, { decision: 'passkey_remove', target: passkey.id, label: `Remove the passkey ${passkey.name}`, text: 'Remove' })}</li>`,
  )
  const add =
    passkeyOptions === null
      ? null
      : passkeyForm({
          action,
          stateToken,
          ceremony: 'create',
          options: passkeyOptions,
          offersInField: false,
          button: 'Add a passkey',
          isPrimary: false,
          fields: html`<div class="field"><label for="passkey-name">Name of this device</label>
<input id="passkey-name" name="name" type="text" autocomplete="off" maxlength="60"></div>`,
        })
  return html`<section aria-labelledby="passkeys-head"><h2 id="passkeys-head">Passkeys</h2>
<p>${passkeys.length === 0 ? 'With a passkey you sign in by your finger, face or PIN on this device, and no other site can ask for it.' : 'Each of these signs you in without your password.'}</p>
${passkeys.length === 0 ? null : html`<ul class="rows">${rows}</ul>`}
${add}</section>`
}

function totpSection({ stateToken, hasTotp, recoveryCodesLeft }: AccountPageProps): Html {
  const start = html`<div class="choices"><button class="secondary" name="decision" value="totp_start">Set up codes</button></div>`
  const change = html`<div class="choices"><button class="secondary" name="decision" value="recovery_codes">New recovery codes</button><button class="secondary" name="decision" value="totp_remove">Turn codes off</button></div>`
  const says = hasTotp
    ? `You are asked for a code from your authenticator application after your password. ${codesLeft(recoveryCodesLeft)}`
    : 'Ask for a code from an authenticator application after the password, so that the password alone opens nothing.'
  return html`<section aria-labelledby="codes-head"><h2 id="codes-head">One-time codes</h2>
<p>${says}</p>
${stateForm({ action, stateToken, content: hasTotp ? change : start })}</section>`
}

function upstreamSection({ stateToken, upstreams }: AccountPageProps): Html | null {
  if (upstreams.length === 0) return null
  const rows = upstreams.map(({ id, name, since }) => {
    const end = { decision: 'upstream_unlink', label: `Disconnect ${name}`, text: 'Disconnect' }
    const begin = { decision: 'upstream_link', label: `Connect ${name}`, text: 'Connect' }
    const about = html`<span><strong><bdi>${name}</bdi></strong> <span class="quiet">${since === null ? 'not connected' : `connected since ${since}`}</span></span>`
    return html`<li>${about}${targetForm(stateToken, { target: id, ...(since === null ? begin : end) })}</li>`
  })
  return html`<section aria-labelledby="upstreams-head"><h2 id="upstreams-head">Other providers</h2>
<p>Where you are connected, you can sign in there in the place of your password.</p>
<ul class="rows">${rows}</ul></section>`
}

function codesLeft(count: number): string {
  return `You have ${count} recovery ${count === 1 ? 'code' : 'codes'} left.`
}

/** Asks once more, as everywhere. */
const ownSignOut = html`<a class="small" href="/logout">Sign out</a>`

function sessionSection({ stateToken, sessions }: AccountPageProps): Html {
  const rows = sessions.map(session => {
    const where = html`from <bdi>${session.address}</bdi>, ${session.how}, on ${session.since}`
    const own = session.isThis ? html` (this browser)` : null
    const about = html`<span><strong>${session.agent}</strong>${own} <span class="quiet">${where}</span></span>`
    const end = { decision: 'session_end', target: session.id, text: 'Sign out' }
    const label = `Sign out ${session.agent}, signed in on ${session.since}`
    return html`<li>${about}${session.isThis ? ownSignOut : targetForm(stateToken, { ...end, label })}</li>`
  })
  const everywhere = html`<div class="choices"><button class="secondary" name="decision" value="sign_out_everywhere">Sign out everywhere</button></div>`
  return html`<section aria-labelledby="sessions-head"><h2 id="sessions-head">Where you are signed in</h2>
<p>Is one of these not yours? Sign it out, and change your password. Signing a browser out also ends what applications got in it.</p>
<ul class="rows">${rows}</ul>
<p class="quiet">Signing out everywhere ends all of these, this browser too, and all that the applications below hold.</p>
${stateForm({ action, stateToken, content: everywhere })}</section>`
}

function applicationSection({ stateToken, applications }: AccountPageProps): Html {
  if (applications.length === 0) {
    return html`<section aria-labelledby="applications-head"><h2 id="applications-head">Applications</h2>
<p>No application holds anything of yours.</p></section>`
  }
  const rows = applications.map(application => {
    const take = { decision: 'consent_withdraw', target: application.clientId, text: 'Take back all' }
    const label = `Take back all that ${application.name} may do`
    return html`<li><span><strong><bdi>${application.name}</bdi></strong> may
<ul class="permissions">${application.scopes.map(scope => html`<li>${scopeSentence(scope)}</li>`)}</ul></span>
${targetForm(stateToken, { ...take, label })}
${holdingRows(stateToken, application)}</li>`
  })
  return html`<section aria-labelledby="applications-head"><h2 id="applications-head">Applications</h2>
<p>These act for you, each in the places that stand below it. End one place, and the others go on; take back all, and the application has to ask you again.</p>
<ul class="rows">${rows}</ul></section>`
}

function holdingRows(stateToken: string, { name, holdings }: ShownApplication): Html {
  const rows = holdings.map(holding => {
    const end = { decision: 'holding_end', target: holding.id, text: 'End' }
    const label = `End what ${name} holds, ${holdingWords(holding)}`
    return html`<li><span>${holdingAbout(holding)}</span>${targetForm(stateToken, { ...end, label })}</li>`
  })
  return html`<ul class="rows inner">${rows}</ul>`
}

function holdingAbout(holding: ShownHolding): Html {
  const { kind, since, lastUsed } = holding
  const used = html`<span class="quiet">last used ${lastUsed}</span>`
  if (kind === 'branch')
    return html`For <bdi>${holding.name}</bdi>, <span class="quiet">as the application calls it,</span> ${used}`
  return html`${kind === 'device' ? 'On a device you let in' : 'Since you signed in'} on ${since}, ${used}`
}

/** The same for who hears the button without its row. */
function holdingWords(holding: ShownHolding): string {
  const { kind, since } = holding
  if (kind === 'branch') return `for ${holding.name}`
  return kind === 'device' ? `on the device you let in on ${since}` : `since you signed in on ${since}`
}

interface TargetForm {
  readonly decision: string
  readonly target: string
  /** The whole sentence, for who hears the button without its row. */
  readonly label: string
  readonly text: string
}

function targetForm(stateToken: string, { decision, target, label, text }: TargetForm): Html {
  const content = html`<input type="hidden" name="target" value="${target}"><button class="secondary small" name="decision" value="${decision}" aria-label="${label}">${text}</button>`
  return stateForm({ action, stateToken, content })
}

export interface TotpPageProps extends PageFrame {
  readonly stateToken: string
  readonly userEmail: string
  readonly keyText: string
  /** The picture of the key, as an SVG of our own making. */
  readonly pictureHref: string
  readonly isRefused: boolean
}

/** Setting up codes: the key is shown, and counts once its first code has come back. */
export function totpPage(props: TotpPageProps): Page {
  const { stateToken, isRefused } = props
  const told = isRefused ? html` aria-invalid="true" aria-describedby="problem"` : null
  const content = html`<div class="field"><label for="code">Code it shows</label>
<input id="code" name="code" type="text" inputmode="numeric" autocomplete="one-time-code" autocorrect="off" spellcheck="false" maxlength="${codeCharactersMax}" required autofocus${told}></div>
<div class="choices"><button class="primary" name="decision" value="totp_confirm">Turn codes on</button></div>`
  const card = html`<h1>Set up codes</h1>
<p>Scan this picture with your authenticator application, or type the key into it. Then enter the code that it shows.</p>
${isRefused ? html`<p class="notice problem" id="problem" role="alert">This code does not belong to this key. Please check the clock of your device, and try the next one.</p>` : null}
<p class="picture"><img src="${props.pictureHref}" width="220" height="220" alt="The key as a picture. The same key stands below as text."></p>
<dl class="facts"><dt>Key</dt><dd><code>${grouped(props.keyText)}</code></dd><dt>Account</dt><dd><bdi>${props.userEmail}</bdi></dd></dl>
${stateForm({ action, stateToken, content })}`
  const below = html`<div class="aside"><p><a href="${action}">Back to your account</a></p></div>`
  return page({ issuerHost: props.issuerHost, title: 'Set up codes', card, below })
}

export interface RecoveryCodesPageProps extends PageFrame {
  readonly codes: readonly string[]
}

export function recoveryCodesPage(props: RecoveryCodesPageProps): Page {
  const card = html`<h1>Your recovery codes</h1>
<p>Each of these takes the place of a code once, when your device is not at hand. They are shown only now: keep them where you would keep a key.</p>
<ul class="codes">${props.codes.map(code => html`<li><code>${code}</code></li>`)}</ul>
<p><a href="${action}">I have kept them: back to your account</a></p>`
  return page({ issuerHost: props.issuerHost, title: 'Your recovery codes', card })
}

/** In fours, as people read letters. */
function grouped(key: string): string {
  return key.replace(/(.{4})(?=.)/g, '$1 ')
}
