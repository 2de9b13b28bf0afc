module hello/devserver

go 1.26.0

require github.com/seed-b8174343/devserver v0.0.0

require github.com/gorilla/websocket v1.5.3 // indirect

replace github.com/seed-b8174343/devserver => ../../../..
