/** An API of its own: notes of whoever calls. It knows of revocations without asking for each request. */

import { clientSecret, guardApi, guardFetch } from '@pawl/verifier'
import { type Served, serve } from './serve.ts'

export interface ApiOptions {
  readonly issuer: string
  readonly url: string
  readonly secret: string
}

const noteCharactersMax = 200
const notesMax = 20

export async function openApi({ issuer, url, secret }: ApiOptions): Promise<Served> {
  const guard = guardApi({ issuer, audience: url, credentials: clientSecret('notes-api', secret), follow: 'feed' })
  const notes = new Map<string, readonly string[]>()
  const answer = guardFetch(guard, { scopes: ['notes'] }, async (request, { subject }) => {
    const own = notes.get(subject) ?? []
    if (request.method !== 'POST') return Response.json(own)
    const note = (await request.text()).slice(0, noteCharactersMax)
    notes.set(subject, [note, ...own].slice(0, notesMax))
    return Response.json(notes.get(subject), { status: 201 })
  })
  const served = await serve(async request => answer(request), Number(new URL(url).port), url)
  return {
    async close() {
      await served.close()
      await guard.close()
    },
  }
}
