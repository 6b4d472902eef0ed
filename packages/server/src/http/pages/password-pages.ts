/** Pages of a forgotten password and of a new account: both go by mail, and neither tells who has an account. */

import { html } from './html.ts'
import { page, type Page, type PageFrame } from './layout.ts'
import { passwordCharactersMin } from './password-sentence.ts'
import { emailCharactersMax } from './sign-in-page.ts'

export const forgottenPath = '/forgotten'

/** Asks where the mail should go. */
export function forgottenPage(props: PageFrame): Page {
  const card = html`<h1>Choose a new password</h1>
<p>Enter the e-mail address of your account. If there is one, a link to choose a new password comes to it.</p>
<form method="post" action="${forgottenPath}">
<div class="field"><label for="username">E-mail</label>
<input id="username" name="username" type="text" inputmode="email" autocomplete="username" autocapitalize="none" autocorrect="off" spellcheck="false" maxlength="${emailCharactersMax}" required autofocus></div>
<div class="choices"><button class="primary" name="decision" value="send">Send the link</button></div>
</form>`
  return page({ issuerHost: props.issuerHost, title: 'Choose a new password', card })
}

/** The same whether or not anything was sent. */
export function mailSentPage(props: PageFrame): Page {
  const card = html`<h1>Look into your mail</h1>
<p>If there is something to send to this address, it is on its way. The link in it is good for 15 minutes, in any browser.</p>
<p class="quiet">Nothing came? Look among the unwanted mail, and check the address. Only a few mails an hour go to one address.</p>`
  return page({ issuerHost: props.issuerHost, title: 'Look into your mail', card })
}

export interface ChoosePasswordPageProps extends PageFrame {
  readonly action: string
  readonly token: string
  readonly email: string
  /** What was wrong with the last one. */
  readonly problem: string | null
}

export function choosePasswordPage(props: ChoosePasswordPageProps): Page {
  const { problem } = props
  const told = problem === null ? null : html` aria-invalid="true"`
  const by = problem === null ? 'password-hint' : 'problem password-hint'
  const card = html`<h1>Choose a password</h1>
<p class="quiet">for <bdi>${props.email}</bdi></p>
${problem === null ? null : html`<p class="notice problem" id="problem" role="alert">${problem}</p>`}
<form method="post" action="${props.action}"><input type="hidden" name="token" value="${props.token}"><input hidden type="text" name="username" autocomplete="username" value="${props.email}">
<div class="field"><label for="new-password">New password</label>
<input id="new-password" name="new_password" type="password" autocomplete="new-password" minlength="${passwordCharactersMin}" required autofocus aria-describedby="${by}"${told}>
<p class="quiet" id="password-hint">At least ${passwordCharactersMin} characters. A few words in a row are good.</p></div>
<div class="choices"><button class="primary" name="decision" value="choose">Keep this password</button></div>
</form>`
  const title = problem === null ? 'Choose a password' : 'Problem: choose a password'
  return page({ issuerHost: props.issuerHost, title, card })
}

export function linkOverPage(props: PageFrame & { readonly canAsk: boolean }): Page {
  const again = html`<p><a href="${forgottenPath}">Send another link</a></p>`
  const card = html`<h1>This link is over</h1>
<p>It was used already, a newer password took its place, or its 15 minutes are past. Nothing was changed.</p>
${props.canAsk ? again : null}`
  return page({ issuerHost: props.issuerHost, title: 'This link is over', card })
}

export function passwordChosenPage(props: PageFrame & { readonly email: string; readonly accountHref: string }): Page {
  const card = html`<h1>Your password is set</h1>
<p>Go back to the application and sign in as <bdi>${props.email}</bdi> with it, or <a href="${props.accountHref}">look at your account</a>.</p>`
  return page({ issuerHost: props.issuerHost, title: 'Your password is set', card })
}

export interface SentMail {
  readonly to: string
  readonly subject: string
  readonly text: string
}

/** Development alone: what would have been sent. */
export function recentMailsPage(props: PageFrame & { readonly mails: readonly SentMail[] }): Page {
  const rows = props.mails.map(
    mail =>
      html`<section><h2><bdi>${mail.subject}</bdi></h2><p class="quiet">to <bdi>${mail.to}</bdi></p><pre>${mail.text}</pre></section>`,
  )
  const card = html`<h1>Mail</h1>
<p>This server is in development and sends no mail. This is what it would have sent, the newest first.</p>
${props.mails.length === 0 ? html`<p class="quiet">Nothing yet.</p>` : rows}`
  return page({ issuerHost: props.issuerHost, title: 'Mail', card })
}
