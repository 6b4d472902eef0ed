/** The page for the second factor: after a password, or where an application asks for more than the session has shown. */

import { type ClientOnPage, clientNameAndHost } from './client-on-page.ts'
import { waitInWords } from './durations.ts'
import { type Html, html } from './html.ts'
import { page, type Page, type PageFrame, stateForm } from './layout.ts'
import { passkeyForm, passkeyScript } from './passkey-script.ts'

export type SecondFactorProblem =
  | { readonly kind: 'refused' | 'passkey_refused' }
  | { readonly kind: 'throttled'; readonly retryAfterSeconds: number }

export interface SecondFactorPageProps extends PageFrame {
  readonly action: string
  readonly stateToken: string
  /** Null where no application waits. */
  readonly client: ClientOnPage | null
  readonly userEmail: string
  /** A code from the authenticator application will do. */
  readonly takesCode: boolean
  /** The JSON of the options, where a passkey will do. */
  readonly passkeyOptions: string | null
  readonly problem: SecondFactorProblem | null
}

/** What is typed may be a recovery code with its dashes. */
export const codeCharactersMax = 40

export function secondFactorPage(props: SecondFactorPageProps): Page {
  const { action, stateToken, problem, passkeyOptions, takesCode, client } = props
  const title = problem === null ? 'Show that it is you' : 'Problem: show that it is you'
  const passkey =
    passkeyOptions === null
      ? null
      : passkeyForm({
          action,
          stateToken,
          ceremony: 'get',
          options: passkeyOptions,
          offersInField: false,
          button: 'Use a passkey',
          isPrimary: !takesCode,
        })
  const card = html`<h1>Show that it is you</h1>
<p class="quiet">${client === null ? 'to go on to your account' : html`to go on to ${clientNameAndHost(client)}`}, as <bdi>${props.userEmail}</bdi></p>
${problem === null ? null : html`<p class="notice problem" id="problem" role="alert">${sentenceOf(problem)}</p>`}
${
  takesCode
    ? stateForm({ action, stateToken, content: codeField(problem) })
    : html`<p>This asks for a passkey. Your browser shows it when you go on.</p>
<noscript><p class="notice problem">A passkey needs JavaScript, which is off in this browser.</p></noscript>`
}
${passkey}`
  const below = html`<div class="aside">${otherPersonForm(action, stateToken)}${client === null ? null : giveUpForm(action, client, stateToken)}</div>`
  const script = passkey === null ? {} : { script: passkeyScript }
  return page({ issuerHost: props.issuerHost, title, card, below, ...script })
}

function codeField(problem: SecondFactorProblem | null): Html {
  const told = problem?.kind === 'refused' ? html` aria-invalid="true"` : null
  const by = problem === null ? 'code-hint' : 'problem code-hint'
  return html`
<div class="field"><label for="code">Code</label>
<input id="code" name="code" type="text" inputmode="numeric" autocomplete="one-time-code" autocapitalize="none" autocorrect="off" spellcheck="false" maxlength="${codeCharactersMax}" required autofocus aria-describedby="${by}"${told}>
<p class="quiet" id="code-hint">Six digits from your authenticator application, or one of your recovery codes.</p></div>
<div class="choices"><button class="primary" name="decision" value="check">Continue</button></div>
`
}

function otherPersonForm(action: string, stateToken: string): Html {
  const button = html`<button name="decision" value="switch_account">Sign in as somebody else</button>`
  return stateForm({ action, stateToken, content: button })
}

function giveUpForm(action: string, client: ClientOnPage, stateToken: string): Html {
  const button = html`<button name="decision" value="cancel">Go back to <bdi>${client.name}</bdi> without signing in</button>`
  return stateForm({ action, stateToken, content: button })
}

function sentenceOf(problem: SecondFactorProblem): string {
  switch (problem.kind) {
    case 'refused':
      return 'This code is not right, or was used before. Please wait for the next one.'
    case 'passkey_refused':
      return 'This passkey did not show that it is you. Please try again, or another way.'
    case 'throttled':
      return `There were too many attempts. Please wait ${waitInWords(problem.retryAfterSeconds)}, then try again.`
  }
}
