import { browserBff } from '@pawl/bff/browser'

const bff = browserBff()

export async function begin(): Promise<string> {
  const { signedIn, claims } = await bff.session()
  if (!signedIn) bff.signIn()
  return String(claims?.['email'])
}

export async function notes(): Promise<readonly string[]> {
  const answer = await bff.fetch('/api/notes')
  return (await answer.json()) as readonly string[]
}

bff.onSignedOut(() => location.reload()) // here, or in another tab
