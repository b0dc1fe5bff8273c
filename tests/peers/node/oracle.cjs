// The real Tardis normalizers behind the routes of tardis-machine, on a free port of loopback each.
// UPSTREAM is the Tardis API, CACHE a fresh folder; WSS_URL_<EXCHANGE> points live feeds at a venue.
// Every line that a live stream sends is appended to SENT.
const fs = require('fs')
const http = require('http')
const { WebSocketServer } = require('ws')
const tardis = require('tardis-dev')

tardis.init({ endpoint: process.env.UPSTREAM, apiKey: process.env.TM_API_KEY || '', cacheDir: process.env.CACHE })

// The machine prints microseconds where a date has them.
const plain = Date.prototype.toISOString
Date.prototype.toISOString = function () {
  const text = plain.call(this)
  return this.μs === undefined ? text : text.slice(0, -1) + String(this.μs).padStart(3, '0') + 'Z'
}

const normalizers = {
  trade: tardis.normalizeTrades,
  liquidation: tardis.normalizeLiquidations,
  option_summary: tardis.normalizeOptionsSummary,
  derivative_ticker: tardis.normalizeDerivativeTickers,
  book_change: tardis.normalizeBookChanges,
  book_ticker: tardis.normalizeBookTickers
}

async function* messages(url) {
  const { pathname, searchParams } = new URL(url, 'http://x')
  const asked = JSON.parse(searchParams.get('options'))
  const run = pathname.includes('stream') ? tardis.streamNormalized : tardis.replayNormalized
  const flows = (Array.isArray(asked) ? asked : [asked]).map(each =>
    run(each, ...each.dataTypes.filter(name => normalizers[name]).map(name => normalizers[name])))
  yield* flows.length === 1 ? flows[0] : tardis.combine(...flows)
}

const server = http.createServer(async (request, response) => {
  try {
    for await (const message of messages(request.url)) response.write(JSON.stringify(message) + '\n')
    response.end()
  } catch (error) {
    if (!response.headersSent) response.statusCode = error.status || 500
    response.end(JSON.stringify({ responseText: error.responseText, message: error.message, url: error.url }))
  }
})
const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' })
sockets.on('connection', async (socket, request) => {
  try {
    for await (const message of messages(request.url)) {
      if (socket.readyState !== 1) return
      const text = JSON.stringify(message)
      if (request.url.includes('stream')) fs.appendFileSync(process.env.SENT, text + '\n')
      socket.send(text)
    }
    socket.close(1000, 'WS replay-normalized finished')
  } catch (error) {
    socket.close(1011, String(error).slice(0, 120))
  }
})
server.listen(0, '127.0.0.1', () =>
  console.log(JSON.stringify({ http: server.address().port, ws: sockets.address().port })))
