"""Generated histories of a small MSP, judged by the lines on its server and by its bill."""
