/** The program of the page: which button does what, and what the page says when it cannot. */

import { type HolderEvent, RefreshPostponed, type RefreshOutcome, SignInNeeded, SignInRefused } from '@pawl/client'
import { grant, openCustody } from './custody.ts'
import { onPress, showProblem, showProfile, showSignedIn, showSignedOut, tell } from './view.ts'

const issuer = setting('pawl-issuer')
const clientId = setting('pawl-client')
const custody = openCustody(issuer, clientId, onEvent)

onPress('sign-in', () => attempt(() => custody.signIn()))
onPress('read', () => attempt(readProfile))
onPress('refresh', () => attempt(refresh))
onPress('sign-out', () => attempt(signOut))
await attempt(start)

async function start(): Promise<void> {
  if (location.pathname === '/callback') {
    try {
      await custody.finishSignIn()
    } finally {
      // The code is used up, and an address with one in it is none to keep.
      history.replaceState(null, '', '/')
    }
  }
  await showGrant()
}

async function showGrant(sentence = 'A refresh token in a browser, as safe as it gets there.'): Promise<void> {
  const view = await custody.holder.look(grant)
  if (view === null || view.end !== null) return showSignedOut(sentence, null)
  showSignedIn(view)
}

async function readProfile(): Promise<void> {
  const response = await custody.readProfile()
  if (!response.ok) throw new Error(`the API answered ${response.status}`)
  showProfile((await response.json()) as { readonly [name: string]: unknown })
  await showGrant()
}

async function refresh(): Promise<void> {
  showSignedIn(await custody.holder.refresh(grant))
}

async function signOut(): Promise<void> {
  const outcome = await custody.holder.end(grant)
  const unreachable = 'Nothing is kept here any more. The server could not be told.'
  const serverSignOut = new URL('/logout', issuer)
  serverSignOut.searchParams.set('client_id', clientId)
  showSignedOut(outcome === 'unreachable' ? unreachable : 'Here, in all tabs, and at the API.', serverSignOut.href)
}

/** Says what went wrong in words that tell what to do; only one kind of failure means that somebody is signed out. */
async function attempt(doing: () => Promise<void>): Promise<void> {
  try {
    showProblem(null)
    await doing()
  } catch (error) {
    showProblem(sentenceFor(error))
    if (error instanceof SignInNeeded) showSignedOut('Please sign in again.', null)
    else await showGrant()
  }
}

function sentenceFor(error: unknown): string {
  if (error instanceof SignInNeeded) return 'Your session here is over.'
  if (error instanceof RefreshPostponed)
    return 'The server does not answer. You are still signed in; try again in a moment.'
  if (error instanceof SignInRefused && error.code === 'access_denied')
    return 'You did not allow it, so nothing is kept.'
  return error instanceof Error ? `That did not work: ${error.message}.` : 'That did not work.'
}

const outcomes: { readonly [outcome in RefreshOutcome]: string } = {
  advanced: 'This tab refreshed the tokens',
  adopted: 'Another tab had refreshed the tokens',
  recovered: 'An answer was lost, and asked for again',
  postponed: 'The server did not answer; nothing is lost',
  unsaved: 'The new tokens could not be stored yet',
  refused: 'The server refused for another reason than the session',
  'ended:refused': 'The server ended the session',
  'ended:expired': 'The time of the session is over',
  'ended:signed_out': 'Signed out',
}

function onEvent(event: HolderEvent): void {
  switch (event.kind) {
    case 'kept':
      tell(Date.now(), 'Signed in')
      return
    case 'ended':
      tell(Date.now(), 'Signed out')
      return
    case 'refresh':
      tell(Date.now(), outcomes[event.outcome])
      return
    case 'trouble':
      tell(Date.now(), 'Something failed in the background')
      return
    case 'moved':
      tell(Date.now(), event.isRemoved ? 'Another tab signed out' : 'Another tab moved the grant on')
      attempt(() => showGrant('Another tab signed out.')).catch(reportError)
  }
}

function setting(name: string): string {
  return document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? ''
}
