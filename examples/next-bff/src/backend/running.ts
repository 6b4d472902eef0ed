/** One backend for this process, opened by its first request: a build of the application loads routes, too. */

import { openBackend } from './open-backend.ts'

let running: ReturnType<typeof openBackend> | null = null

/** What every route is: the backend decides by the path. */
export async function handle(request: Request): Promise<Response> {
  running ??= openBackend(process.env).catch((cause: unknown) => {
    running = null
    throw cause
  })
  const bff = await running
  return (await bff(request)) ?? new Response(null, { status: 404 })
}
