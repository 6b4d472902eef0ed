/** The page: it asks its own server, with a cookie it cannot read. */

import { browserBff } from '@pawl/bff/browser'

const bff = browserBff()
const byId = (id: string) => {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`there is no '${id}' on the page`)
  return found
}
const field = byId('note') as HTMLInputElement

byId('sign-in').addEventListener('click', () => bff.signIn())
byId('sign-out').addEventListener('click', () => attempt(() => bff.signOut()))
byId('read').addEventListener('click', () => attempt(() => notes()))
byId('write').addEventListener('submit', event => {
  event.preventDefault()
  attempt(async () => {
    await notes({ method: 'POST', body: field.value })
    field.value = ''
  })
})
bff.onSignedOut(() => showSignedOut('You signed out, here or in another tab.'))
attempt(begin)

async function begin(): Promise<void> {
  const session = await bff.session()
  const refusal = new URLSearchParams(location.search).get('sign_in_error')
  if (refusal !== null) showProblem(`Signing in did not work (${refusal}).`)
  if (!session.signedIn) return showSignedOut('Nothing of yours is here.')
  say('title', 'You are signed in')
  const email = session.claims?.['email']
  say('lead', `As ${typeof email === 'string' ? email : session.sub}, in every tab of this browser.`)
  show(true)
  await notes()
}

async function notes(init?: RequestInit): Promise<void> {
  const answer = await bff.fetch('/api/notes', init)
  if (answer.status === 401) return
  if (!answer.ok) throw new Error(`The API answers ${answer.status}.`)
  const texts = (await answer.json()) as readonly string[]
  byId('notes').replaceChildren(
    ...texts.map(text => {
      const line = document.createElement('li')
      line.textContent = text
      return line
    }),
  )
}

function attempt(work: () => Promise<void>): void {
  showProblem(null)
  work().catch((error: unknown) => showProblem(error instanceof Error ? error.message : String(error)))
}

function showSignedOut(sentence: string): void {
  say('title', 'You are signed out')
  say('lead', sentence)
  byId('notes').replaceChildren()
  show(false)
}

function show(isSignedIn: boolean): void {
  byId('signed-in').hidden = !isSignedIn
  byId('signed-out').hidden = isSignedIn
}

function showProblem(sentence: string | null): void {
  say('problem', sentence ?? '')
  byId('problem').hidden = sentence === null
}

function say(id: string, text: string): void {
  byId(id).textContent = text
}
