package pluginhost_test

func runServer() {}
