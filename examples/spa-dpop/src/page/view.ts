/** What the page shows. Text goes into elements that are there; nothing is put together from HTML. */

import type { GrantView } from '@pawl/client'

export type ButtonId = 'sign-in' | 'read' | 'refresh' | 'sign-out'

const linesMax = 8

export function showSignedOut(sentence: string, serverSignOut: string | null): void {
  say('title', 'You are signed out')
  say('lead', sentence)
  show('signed-out', true)
  for (const id of ['signed-in', 'answer']) show(id, false)
  const link = byId('server-sign-out') as HTMLAnchorElement
  link.hidden = serverSignOut === null
  if (serverSignOut !== null) link.href = serverSignOut
}

export function showSignedIn(view: GrantView): void {
  say('title', 'You are signed in')
  say('lead', 'In every tab of this browser, until you sign out in one of them.')
  say('refreshed', timeOf(view.refreshedAtMs))
  say('generation', String(view.generation))
  say('until', view.absoluteExpiresAtMs === null ? 'never' : `by ${minuteOf(view.absoluteExpiresAtMs)}`)
  show('signed-out', false)
  show('signed-in', true)
}

export function showProfile(claims: { readonly [name: string]: unknown }): void {
  const rows = Object.entries(claims).map(([name, value]) => {
    const row = document.createElement('div')
    row.append(element('dt', name.replaceAll('_', ' ')), element('dd', String(value)))
    return row
  })
  byId('profile').replaceChildren(...rows)
  show('answer', true)
}

/** Null takes away what was said. */
export function showProblem(sentence: string | null): void {
  say('problem', sentence ?? '')
  show('problem', sentence !== null)
}

export function tell(nowMs: number, sentence: string): void {
  const line = document.createElement('li')
  line.append(element('time', timeOf(nowMs)), element('span', sentence))
  const log = byId('log')
  log.prepend(line)
  while (log.children.length > linesMax) log.lastElementChild?.remove()
  show('history', true)
}

/** While it does what it is for, a button cannot be pressed again. */
export function onPress(id: ButtonId, doing: () => Promise<void>): void {
  const button = byId(id) as HTMLButtonElement
  button.addEventListener('click', () => {
    button.disabled = true
    const enable = () => {
      button.disabled = false
    }
    doing().then(enable, enable)
  })
}

function timeOf(instantMs: number): string {
  return new Date(instantMs).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' })
}

function minuteOf(instantMs: number): string {
  return new Date(instantMs).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
}

function element(name: string, text: string): HTMLElement {
  const made = document.createElement(name)
  made.textContent = text
  return made
}

function say(id: string, text: string): void {
  byId(id).textContent = text
}

function show(id: string, isShown: boolean): void {
  byId(id).hidden = !isShown
}

function byId(id: string): HTMLElement {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`there is no '${id}' on the page`)
  return found
}
