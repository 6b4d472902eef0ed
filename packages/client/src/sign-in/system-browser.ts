/** Opens the browser of the person at this machine, by the program that each system has for it. */

import { spawn } from 'node:child_process'
import process from 'node:process'

/** True when a program was started for it; whether a window appeared, nobody can tell. Never rejects. */
export async function openSystemBrowser(url: string): Promise<boolean> {
  const { protocol } = new URL(url)
  // Anything else might start any program.
  if (protocol !== 'https:' && protocol !== 'http:') return false
  const [command, ...words] = commandFor(process.platform)
  return new Promise(resolve => {
    const child = spawn(command, [...words, url], { stdio: 'ignore', detached: true })
    child.once('error', () => resolve(false))
    child.once('spawn', () => {
      child.unref()
      resolve(true)
    })
  })
}

/** No shell is asked: the characters of an address mean nothing there. */
function commandFor(platform: string): readonly [string, ...string[]] {
  switch (platform) {
    case 'darwin':
      return ['open']
    case 'win32':
      return ['rundll32', 'url.dll,FileProtocolHandler']
    default:
      return ['xdg-open']
  }
}
