/** An account for somebody new (OpenID Connect Prompt Create §2): an address first, and a link in a mail to it. */

import { type ClientOnPage, clientNameAndHost } from './client-on-page.ts'
import { html } from './html.ts'
import { page, type Page, type PageFrame, stateForm } from './layout.ts'
import { emailCharactersMax } from './sign-in-page.ts'

export interface SignUpPageProps extends PageFrame {
  readonly stateToken: string
  readonly client: ClientOnPage
  readonly loginHint: string | null
  /** The mail is on its way, if there is anything to send. */
  readonly isSent: boolean
}

export function signUpPage(props: SignUpPageProps): Page {
  const { client, stateToken, isSent } = props
  const card = isSent ? sentCard(client, stateToken) : askCard(props)
  const cancel = html`<button name="decision" value="cancel">Go back to <bdi>${client.name}</bdi> without an account</button>`
  const haveOne = html`<button name="decision" value="have_account">I have an account already</button>`
  const others = [isSent ? null : haveOne, cancel].filter(content => content !== null)
  const below = html`<div class="aside">${others.map(content => stateForm({ action, stateToken, content }))}</div>`
  return page({
    issuerHost: props.issuerHost,
    title: isSent ? 'Look into your mail' : 'Create an account',
    card,
    below,
  })
}

const action = '/sign-in'

function askCard({ client, stateToken, loginHint }: SignUpPageProps) {
  const content = html`
<div class="field"><label for="username">E-mail</label>
<input id="username" name="username" type="text" inputmode="email" autocomplete="email" autocapitalize="none" autocorrect="off" spellcheck="false" maxlength="${emailCharactersMax}" required autofocus value="${loginHint ?? ''}"></div>
<div class="choices"><button class="primary" name="decision" value="sign_up">Send me a link</button></div>
`
  return html`<h1>Create an account</h1>
<p class="quiet">to go on to ${clientNameAndHost(client)}</p>
<p>A link to choose a password comes to your e-mail address. It shows that the address is yours.</p>
${stateForm({ action, stateToken, content })}`
}

function sentCard(client: ClientOnPage, stateToken: string) {
  const content = html`<div class="choices"><button class="primary" name="decision" value="have_account">I have chosen a password</button></div>`
  return html`<h1>Look into your mail</h1>
<p>If there is something to send to this address, it is on its way. Open the link in it, choose a password, and come back to this page to go on to ${clientNameAndHost(client)}.</p>
${stateForm({ action, stateToken, content })}`
}
