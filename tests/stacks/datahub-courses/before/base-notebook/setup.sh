apt-get install python3
